#include "settings.h"

const settings_t settings_default = {
    .connect_timeout_ms = 3000,
    .redirects = 10,
    .retry_delay_ms = 200,
    .body_max = 1024 * 1024,
    .concurrency = 10,
};

bool settings_name(const settings_t *settings, unsigned status) {
  for (size_t i = 0; i < settings->expected_count; i++)
    if (settings->expected[i] == status) return true;
  return false;
}

bool settings_accept(const settings_t *settings, unsigned status) {
  return settings->expected_count > 0 ? settings_name(settings, status) : status < 400;
}
