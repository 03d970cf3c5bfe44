# One word a backend: harness/backends/hx_backend_WORD.h becomes worker-WORD. After the colons: its compiled forms, one set of
# constants each (HX_FORM_NAME is defined). AB_BACKEND_LIB_WORD: the library it needs; without that target it is not built.
set(AB_BACKENDS bump:bulk malloc:each:nofree arena:bulk)
set(AB_BACKEND_LIB_arena ua)
