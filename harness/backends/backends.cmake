# One word a backend: harness/backends/hx_backend_WORD.h becomes worker-WORD (- in the word is _ in the file's name). After the
# colons: its compiled forms, one set of constants each (HX_FORM_NAME is defined).
set(AB_BACKENDS bump:bulk malloc:each:nofree arena:bulk mimalloc-heap:bulk obstack:bulk apr:bulk talloc:bulk
  gcheap:bulk:concurrent bdwgc:bulk)
# AB_BACKEND_LIB_WORD: the target of ours that it needs; without that target it is not built.
set(AB_BACKEND_LIB_arena ua)
set(AB_BACKEND_LIB_gcheap ua)
set(AB_BACKEND_LIB_mimalloc-heap ${CMAKE_DL_LIBS})
# AB_BACKEND_PKG_WORD: the pkg-config name of a library that it needs, and the Debian package that has it. Without it the worker is
# built from hx_backend_missing.h: listed, absent, with the package's name.
set(AB_BACKEND_PKG_apr apr-1 libapr1-dev)
set(AB_BACKEND_PKG_talloc talloc libtalloc-dev)
set(AB_BACKEND_PKG_bdwgc bdw-gc libgc-dev)
set(AB_BACKEND_ARM_bdwgc collect) # the arm that is listed as absent; bulk where nothing is said
