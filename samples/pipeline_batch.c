/* A pipeline as nested calls, one value after the other. See pipeline_stream.c. */
#include <stdio.h>

static int multiply(int value, int multiplier) {
  return value * multiplier;
}

static int add(int value, int additive) {
  return value + additive;
}

int main(void) {
  static const int ints[] = {1, 2, 3, 4};

  for (int i = 0; i < 4; i++) printf("%d\n", multiply(add(multiply(ints[i], 2), 1), 2));
  return 0;
}
