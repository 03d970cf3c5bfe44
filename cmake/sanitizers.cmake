# AB_SANITIZE=address;undefined | thread | memory: applied to every target, so that libraries and tests agree.
if(AB_SANITIZE)
  string(REPLACE ";" "," ab_sanitize_list "${AB_SANITIZE}")
  add_compile_options(-fsanitize=${ab_sanitize_list} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ab_sanitize_list})
endif()
