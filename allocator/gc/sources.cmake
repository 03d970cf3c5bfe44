# The collector's sources; included by allocator/CMakeLists.txt, which compiles them with -ffp-contract=off.
list(APPEND UA_GC_SOURCES
  gc/assist.c gc/barrier.c gc/concurrent.c gc/cycle.c gc/gc.c gc/mark.c gc/mark_chunk.c gc/mark_small.c gc/marker.c gc/pacer.c
  gc/pool.c gc/ring.c gc/room.c gc/root_scan.c
  gc/roots.c gc/scavenge.c gc/size_class.c gc/small.c gc/sweep.c gc/table.c gc/trigger.c gc/work.c gc/workers.c gc/world.c
  api/gc_api.c debug/second_mark.c)
