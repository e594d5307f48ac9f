#include <weir/version.h>

const char *weir_version(void) {
  return WEIR_STRING(WEIR_VERSION_MAJOR) "." WEIR_STRING(WEIR_VERSION_MINOR) "." WEIR_STRING(
      WEIR_VERSION_PATCH);
}
