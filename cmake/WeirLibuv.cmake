# Gives the target weir::libuv, or none if there is no libuv. Used by weir's own build and, installed
# beside weirConfig.cmake, by those who link to it.
#
# Looks for targets that the project already has, then for the config file that libuv's own build
# installs (it carries no version), then for pkg-config's libuv, which is all that Debian has.
#
# What is found here is made global: a project that contains weir links to it from outside.

if(TARGET weir::libuv)
  return()
endif()

macro(weir_pick_libuv)
  foreach(name IN ITEMS libuv::uv uv libuv::uv_a uv_a)
    if(TARGET ${name} AND NOT weir_libuv_target)
      set(weir_libuv_target ${name})
    endif()
  endforeach()
endmacro()

unset(weir_libuv_target)
weir_pick_libuv()

if(NOT weir_libuv_target)
  find_package(libuv CONFIG QUIET)
  weir_pick_libuv()
  if(weir_libuv_target)
    set_target_properties(${weir_libuv_target} PROPERTIES IMPORTED_GLOBAL TRUE)
  endif()
endif()

if(NOT weir_libuv_target)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(WEIR_LIBUV QUIET IMPORTED_TARGET GLOBAL libuv>=1.44)
  endif()
  if(TARGET PkgConfig::WEIR_LIBUV)
    set(weir_libuv_target PkgConfig::WEIR_LIBUV)
  endif()
endif()

# Imported, so that an export names it instead of asking for libuv in the same export.
if(weir_libuv_target)
  add_library(weir::libuv INTERFACE IMPORTED GLOBAL)
  set_target_properties(weir::libuv PROPERTIES INTERFACE_LINK_LIBRARIES ${weir_libuv_target})
endif()
