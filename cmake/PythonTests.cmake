# add_python_tests(PREFIX PROGRAM DRIVER...): every `def test_NAME():` of a driver is an entry
# PREFIX.NAME of ctest, started as DRIVER PROGRAM NAME; of several drivers test_SUITE.py it is
# PREFIX.SUITE.NAME. Exit code 77 means skipped. Without Python 3.10 they are left out.

find_package(Python3 3.10 QUIET COMPONENTS Interpreter)

function(add_python_tests prefix program)
  if(NOT Python3_Interpreter_FOUND)
    message(STATUS "Python 3.10 not found: some tests of ${program} are left out")
    return()
  endif()
  list(LENGTH ARGN count)
  foreach(driver IN LISTS ARGN)
    set(stem ${prefix})
    if(count GREATER 1)
      get_filename_component(suite ${driver} NAME_WE)
      string(REGEX REPLACE "^test_" "${prefix}." stem ${suite})
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${driver})
    file(STRINGS ${driver} lines REGEX "^def test_[a-z0-9_]+\\(\\):")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^def test_([a-z0-9_]+).*" "\\1" case ${line})
      add_test(NAME ${stem}.${case} COMMAND ${Python3_EXECUTABLE} -B ${driver}
                                            $<TARGET_FILE:${program}> ${case})
      set_tests_properties(${stem}.${case} PROPERTIES TIMEOUT 60 SKIP_RETURN_CODE 77)
      if(WEIR_SANITIZE)
        set_tests_properties(${stem}.${case} PROPERTIES ENVIRONMENT WEIR_SANITIZED=1)
      endif()
    endforeach()
  endforeach()
endfunction()
