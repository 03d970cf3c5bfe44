/* test_base.c - exit codes, the fatal line, number parsing, text and JSON, random numbers, and publishing on a full disk. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hx_base.h"
#include "base/hx_file.h"
#include "base/hx_rng.h"
#include "base/hx_text.h"
#include "support/death.h"

static void the_worse_exit_code_wins(void **state) {
    (void)state;
    static const int best_to_worst[] = {0, 2, 3, 4, 1, 5};
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            int want = best_to_worst[i > j ? i : j];
            assert_int_equal(hx_exit_worse(best_to_worst[i], best_to_worst[j]), want);
        }
    }
    assert_int_equal(hx_exit_worse(0, 77), 5);
}

static void die_now(void *argument) {
    hx_program_set("worker-test");
    hx_die("--pages '%s': choose 4k, huge or both", (const char *)argument);
}

static void die_long(void *argument) {
    (void)argument;
    char word[5000];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    hx_die("%s", word);
}

static void dying_prints_one_line_and_exits_5(void **state) {
    (void)state;
    struct ab_death death;
    ab_run_in_child(die_now, "2m", &death);
    assert_true(death.exited);
    assert_int_equal(death.exit_status, 5);
    assert_string_equal(death.stderr_text, "worker-test: --pages '2m': choose 4k, huge or both\n");
    ab_run_in_child(die_long, NULL, &death);
    assert_int_equal(death.exit_status, 5);
    assert_int_equal(death.stderr_text[strlen(death.stderr_text) - 1], '\n');
}

static void numbers_are_parsed_whole_or_not_at_all(void **state) {
    (void)state;
    static const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "0x10", "1.0", "18446744073709551616", "1e3"};
    uint64_t value = 42;
    for (size_t i = 0; i < HX_COUNT_OF(bad); i++) {
        assert_false(hx_parse_u64(bad[i], &value));
    }
    assert_int_equal(value, 42);
    assert_true(hx_parse_u64("18446744073709551615", &value));
    assert_true(value == UINT64_MAX);
    static const char *const bad_doubles[] = {"", "nan", "inf", "0x1p3", "1 ", "1e999", "--1", "e"};
    double number = 7;
    for (size_t i = 0; i < HX_COUNT_OF(bad_doubles); i++) {
        assert_false(hx_parse_double(bad_doubles[i], &number));
    }
    assert_true(hx_parse_double("-0.25e1", &number));
    assert_true(fabs(number + 2.5) < 1e-15);
}

static void mapped_memory_is_zero_and_goes_back(void **state) {
    (void)state;
    unsigned char *memory = hx_map(100000);
    assert_non_null(memory);
    for (size_t i = 0; i < 100000; i++) {
        assert_int_equal(memory[i], 0);
    }
    hx_unmap(memory, 100000);
    assert_null(hx_map(0));
    assert_null(hx_map(SIZE_MAX / 2));
    assert_int_equal(errno, ENOMEM);
    size_t sum = 3;
    assert_false(hx_add_size(SIZE_MAX, 1, &sum));
    assert_false(hx_mul_size(SIZE_MAX / 2, 3, &sum));
    assert_int_equal(sum, 3);
    assert_true(hx_mul_size(1 << 20, 1 << 20, &sum));
}

static void json_is_written_with_commas_quotes_and_nulls(void **state) {
    (void)state;
    struct hx_text text;
    assert_true(hx_text_init(&text, 16)); /* grows many times */
    hx_json_object(&text, NULL);
    hx_json_string(&text, "name", "a\"b\\c\n\x01 \xc3\xa9");
    hx_json_u64(&text, "most", UINT64_MAX);
    hx_json_i64(&text, "least", INT64_MIN);
    hx_json_double(&text, "tenth", 0.1);
    hx_json_double(&text, "none", NAN);
    hx_json_bool(&text, "migrated", false);
    hx_json_hex(&text, "checksum", 0xabc);
    hx_json_array(&text, "rows");
    for (uint64_t i = 0; i < 3; i++) {
        hx_json_array(&text, NULL);
        hx_json_u64(&text, NULL, i);
        hx_json_u64(&text, NULL, i * i);
        hx_json_close(&text);
    }
    hx_json_close(&text);
    hx_json_figure(&text, "figure", hx_figure_none("too few calls"));
    hx_json_figure(&text, "other", hx_figure_of(1e300));
    hx_json_array(&text, "empty");
    hx_json_close(&text);
    hx_json_string(&text, "null", NULL);
    hx_json_raw(&text, "raw", "[1]");
    hx_json_close(&text);
    assert_int_equal(hx_text_finish(&text), 0);
    assert_string_equal(text.data,
                        "{\"name\":\"a\\\"b\\\\c\\u000a\\u0001 \xc3\xa9\",\"most\":18446744073709551615,"
                        "\"least\":-9223372036854775808,\"tenth\":0.1,\"none\":null,\"migrated\":false,"
                        "\"checksum\":\"0000000000000abc\",\"rows\":[[0,0],[1,1],[2,4]],"
                        "\"figure\":{\"value\":null,\"reason\":\"too few calls\"},\"other\":{\"value\":1e+300,\"reason\":null},"
                        "\"empty\":[],\"null\":null,\"raw\":[1]}");
    hx_text_deinit(&text);
}

static void json_out_of_place_is_an_error(void **state) {
    (void)state;
    struct hx_text text;
    assert_true(hx_text_init(&text, 64));
    hx_json_object(&text, NULL);
    hx_json_u64(&text, NULL, 1); /* a member without a key */
    hx_json_close(&text);
    assert_int_equal(hx_text_finish(&text), EINVAL);
    hx_text_reset(&text);
    hx_json_array(&text, NULL);
    hx_json_u64(&text, "key", 1);
    assert_int_equal(hx_text_finish(&text), EINVAL);
    hx_text_reset(&text);
    hx_json_close(&text);
    assert_int_equal(hx_text_finish(&text), EINVAL);
    hx_text_reset(&text);
    hx_json_object(&text, NULL);
    assert_int_equal(hx_text_finish(&text), EINVAL); /* not closed */
    hx_text_reset(&text);
    for (int i = 0; i < HX_TEXT_DEPTH_MAX + 1; i++) {
        hx_json_array(&text, NULL);
    }
    assert_int_equal(hx_text_finish(&text), EINVAL);
    hx_text_reset(&text);
    hx_text_put(&text, "fresh");
    assert_int_equal(hx_text_finish(&text), 0);
    assert_string_equal(text.data, "fresh");
    hx_text_deinit(&text);
}

static void doubles_read_back_the_same(void **state) {
    (void)state;
    struct hx_text text;
    struct hx_rng rng;
    assert_true(hx_text_init(&text, 4096));
    hx_rng_init(&rng, 9);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = hx_rng_next(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        hx_text_reset(&text);
        hx_text_put_double(&text, value);
        double back = strtod(text.data, NULL);
        assert_memory_equal(&back, &value, sizeof value);
    }
    hx_text_deinit(&text);
}

/* Reference values: splitmix64 of seed 1234567, as printed by its author's reference implementation and by many others. */
static void random_numbers_are_the_published_ones(void **state) {
    (void)state;
    static const uint64_t splitmix[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                                        UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
                                        UINT64_C(16408922859458223821)};
    uint64_t seed = 1234567;
    for (size_t i = 0; i < HX_COUNT_OF(splitmix); i++) {
        assert_true(hx_splitmix64(&seed) == splitmix[i]);
    }
    /* xoshiro256** from state 1, 2, 3, 4: rotl(2 * 5, 7) * 9 = 11520, then 0, then 1509978240 */
    struct hx_rng rng = {{1, 2, 3, 4}};
    assert_true(hx_rng_next(&rng) == 11520);
    assert_true(hx_rng_next(&rng) == 0);
    assert_true(hx_rng_next(&rng) == 1509978240);
    hx_rng_init(&rng, 1);
    size_t hits[10] = {0};
    for (int i = 0; i < 100000; i++) {
        hits[hx_rng_below(&rng, 10)]++;
        double unit = hx_rng_unit(&rng);
        assert_true(unit >= 0 && unit < 1);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_true(hits[i] > 9500 && hits[i] < 10500);
    }
    uint32_t index[50];
    bool seen[50] = {false};
    for (uint32_t i = 0; i < 50; i++) {
        index[i] = i;
    }
    hx_rng_shuffle(&rng, index, 50);
    for (size_t i = 0; i < 50; i++) {
        assert_false(seen[index[i]]);
        seen[index[i]] = true;
    }
}

static void a_checksum_sees_every_bit_order_and_length(void **state) {
    (void)state;
    unsigned char bytes[40];
    memset(bytes, 0, sizeof bytes);
    uint64_t base = hx_checksum_bytes(HX_CHECKSUM_INIT, bytes, sizeof bytes);
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        assert_true(hx_checksum_bytes(HX_CHECKSUM_INIT, bytes, sizeof bytes) != base);
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
    }
    assert_true(hx_checksum_bytes(HX_CHECKSUM_INIT, bytes, 39) != base);
    uint64_t ab = hx_checksum_word(hx_checksum_word(HX_CHECKSUM_INIT, 1), 2);
    uint64_t ba = hx_checksum_word(hx_checksum_word(HX_CHECKSUM_INIT, 2), 1);
    assert_true(ab != ba);
}

static char folder[] = "/tmp/hx_base_XXXXXX";

static size_t files_in_folder(void) {
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

static void in_folder(char *path, const char *name) {
    assert_true(hx_path_join(path, 256, folder, name));
}

static void publishing_replaces_whole(void **state) {
    (void)state;
    char path[256];
    char back[64];
    in_folder(path, "run.json");
    assert_int_equal(hx_file_publish(path, "old", 3), 0);
    assert_int_equal(hx_file_publish(path, "newer", 5), 0);
    assert_int_equal(hx_file_read(path, back, sizeof back), 5);
    assert_string_equal(back, "newer");
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(hx_file_read(path, back, 5), -EFBIG);
    assert_int_equal(hx_file_read("/nonexistent", back, sizeof back), -ENOENT);
    assert_int_equal(hx_file_publish("/nonexistent/folder/x", "x", 1), ENOENT);
    assert_true(hx_file_read("/proc/self/status", back, sizeof back) == -EFBIG);
    assert_false(hx_path_join(back, 5, "/tmp", "x.json"));
    assert_true(hx_path_join(back, sizeof back, "/", "/proc/x"));
    assert_string_equal(back, "/proc/x");
    unlink(path);
}

/* RLIMIT_FSIZE makes the n-th byte fail, as a full disk does; SIGXFSZ is ignored so that write says EFBIG. */
static void publish_under_limit(void *argument) {
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};
    static char big[20000];
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(20);
    }
    memset(big, 'b', sizeof big);
    _exit(hx_file_publish((const char *)argument, big, sizeof big) == EFBIG ? 0 : 21);
}

static void a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    char path[256];
    char back[64];
    struct ab_death death;
    in_folder(path, "summary.json");
    assert_int_equal(hx_file_publish(path, "old", 3), 0);
    ab_run_in_child(publish_under_limit, path, &death);
    assert_true(death.exited);
    assert_int_equal(death.exit_status, 0);
    assert_int_equal(hx_file_read(path, back, sizeof back), 3);
    assert_string_equal(back, "old");
    assert_int_equal(files_in_folder(), 1); /* no temporary left */
    unlink(path);
}

static void a_refused_rename_leaves_no_temporary(void **state) {
    (void)state;
    char path[256];
    in_folder(path, "taken");
    assert_int_equal(mkdir(path, 0755), 0);
    assert_int_equal(hx_file_publish(path, "x", 1), EISDIR);
    assert_int_equal(files_in_folder(), 1);
    rmdir(path);
}

static void writing_to_a_full_device_is_an_error(void **state) {
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0) {
        skip();
    }
    assert_int_equal(hx_write_all(fd, "x", 1), ENOSPC);
    close(fd);
}

static int folder_make(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int folder_remove(void **state) {
    (void)state;
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worse_exit_code_wins),
        cmocka_unit_test(dying_prints_one_line_and_exits_5),
        cmocka_unit_test(numbers_are_parsed_whole_or_not_at_all),
        cmocka_unit_test(mapped_memory_is_zero_and_goes_back),
        cmocka_unit_test(json_is_written_with_commas_quotes_and_nulls),
        cmocka_unit_test(json_out_of_place_is_an_error),
        cmocka_unit_test(doubles_read_back_the_same),
        cmocka_unit_test(random_numbers_are_the_published_ones),
        cmocka_unit_test(a_checksum_sees_every_bit_order_and_length),
        cmocka_unit_test(publishing_replaces_whole),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(a_refused_rename_leaves_no_temporary),
        cmocka_unit_test(writing_to_a_full_device_is_an_error),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
