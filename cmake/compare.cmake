# Runs PROGRAM and fails unless it exits with 0 and prints what is in the file EXPECTED.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE actual COMMAND_ERROR_IS_FATAL ANY)
file(READ ${EXPECTED} expected)
if(NOT actual STREQUAL expected)
  message(FATAL_ERROR "expected:\n${expected}\nprinted:\n${actual}")
endif()
