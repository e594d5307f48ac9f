# Uses weir in the three ways that the documentation promises: the installed CMake package, the
# installed weir.pc, and as a part of another project. The installed tree is moved before it is used.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}\n${output}\nended with ${result}")
  endif()
endfunction()

set(flags)
if(SANITIZE)
  set(flags -fsanitize=${SANITIZE})
endif()

function(build_and_run build_dir)
  run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${build_dir} -G ${GENERATOR}
      -DCMAKE_BUILD_TYPE=${CONFIG} -DCMAKE_C_COMPILER=${CC} -DCMAKE_CXX_COMPILER=${CXX}
      -DCMAKE_C_FLAGS=${flags} -DCMAKE_CXX_FLAGS=${flags} ${ARGN})
  run(${CMAKE_COMMAND} --build ${build_dir} --config ${CONFIG})
  run(${CMAKE_CTEST_COMMAND} --test-dir ${build_dir} -C ${CONFIG} --output-on-failure
      --no-tests=error)
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
set(prefix ${WORK_DIR}/moved)
run(${CMAKE_COMMAND} --install ${WEIR_BINARY_DIR} --config ${CONFIG} --prefix ${WORK_DIR}/installed)
file(RENAME ${WORK_DIR}/installed ${prefix})

build_and_run(${WORK_DIR}/package -DCMAKE_PREFIX_PATH=${prefix})
build_and_run(${WORK_DIR}/contained -DWEIR_SOURCE_DIR=${WEIR_SOURCE_DIR})

set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig:$ENV{PKG_CONFIG_PATH})
execute_process(COMMAND ${PKG_CONFIG} --cflags --libs weir OUTPUT_VARIABLE words
                COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(words UNIX_COMMAND "${words}")
run(${CC} ${flags} ${CMAKE_CURRENT_LIST_DIR}/consumer.c ${words} -Wl,-rpath,${prefix}/${LIBDIR}
    -o ${WORK_DIR}/with_pkg_config)
run(${WORK_DIR}/with_pkg_config)
