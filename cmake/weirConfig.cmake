include(${CMAKE_CURRENT_LIST_DIR}/WeirLibuv.cmake)
if(NOT TARGET weir::libuv)
  set(weir_FOUND FALSE)
  set(weir_NOT_FOUND_MESSAGE "weir needs libuv 1.44 or later")
  return()
endif()

include(${CMAKE_CURRENT_LIST_DIR}/weirTargets.cmake)
