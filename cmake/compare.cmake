# Runs PROGRAM with WORDS, and fails unless it exits with 0 and prints what is in the file EXPECTED.
# There <number> stands for any number; of a path to a source file, only the name is compared.
execute_process(COMMAND ${PROGRAM} ${WORDS} OUTPUT_VARIABLE actual COMMAND_ERROR_IS_FATAL ANY)
file(READ ${EXPECTED} expected)

string(REGEX REPLACE "([][.*+?^$(){}|\\])" "\\\\\\1" pattern "${expected}")
string(REPLACE "<number>" "[0-9]+[.]?[0-9]*" pattern "${pattern}")
string(REGEX REPLACE "[^\n]*[/\\]([^/\\\n]+[.]c:[0-9]+: )" "\\1" printed "${actual}")
if(NOT printed MATCHES "^${pattern}$")
  message(FATAL_ERROR "expected:\n${expected}\nprinted:\n${actual}")
endif()
