# One word a backend: harness/backends/hx_backend_WORD.h becomes worker-WORD. After the colons: its compiled forms, one set of
# constants each (HX_FORM_NAME is defined). AB_BACKEND_LIB_WORD: the library it needs; without that target it is not built.
set(AB_BACKENDS bump:bulk malloc:each:nofree arena:bulk gcheap:bulk:concurrent bdwgc:bulk)
set(AB_BACKEND_LIB_arena ua)
set(AB_BACKEND_LIB_gcheap ua)
# An optional library: AB_BACKEND_PKG_WORD its pkg-config module, AB_BACKEND_PACKAGE_WORD the Debian package; without it the worker lists
# its arm (AB_BACKEND_ARM_WORD) as absent, with that package.
set(AB_BACKEND_PKG_bdwgc bdw-gc)
set(AB_BACKEND_PACKAGE_bdwgc libgc-dev)
set(AB_BACKEND_ARM_bdwgc collect)
