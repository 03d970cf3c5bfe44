// gbench_shim.cc - see gbench_shim.h; the only C++ of the harness.
#include "worker/gbench_shim.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace {

// Keeps the library's row for us; prints nothing.
class RowReporter : public benchmark::BenchmarkReporter {
public:
    explicit RowReporter(hx_gbench_row *row) : row_(row) {}

    bool ReportContext(const Context &) override { return true; }

    void ReportRuns(const std::vector<Run> &runs) override {
        for (const Run &run : runs) {
            if (run.run_type != Run::RT_Iteration || run.iterations <= 0) {
                continue;
            }
            const double iterations = static_cast<double>(run.iterations);
            row_->iterations = run.iterations;
            row_->real_time_ns = run.real_accumulated_time * 1e9 / iterations;
            row_->cpu_time_ns = run.cpu_accumulated_time * 1e9 / iterations;
            seen_++;
        }
    }

    int seen() const { return seen_; }

private:
    hx_gbench_row *row_;
    int seen_ = 0;
};

} // namespace

int hx_gbench_run(const char *name, int64_t iterations, double (*run)(void *self), void *self, hx_gbench_row *row) {
    benchmark::RegisterBenchmark(name,
                                 [run, self](benchmark::State &state) {
                                     const benchmark::IterationCount all = state.max_iterations;
                                     while (state.KeepRunningBatch(all)) {
                                         state.SetIterationTime(run(self));
                                     }
                                 })
        ->Iterations(iterations)
        ->UseManualTime()
        ->Unit(benchmark::kNanosecond);
    RowReporter reporter(row);
    benchmark::RunSpecifiedBenchmarks(&reporter);
    return reporter.seen() == 1 ? 0 : -1;
}
