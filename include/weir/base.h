/*
 * What every header of weir shares.
 *
 * Conventions, unless a function says otherwise:
 *   status   0, or a negative libuv code that uv_strerror() explains.
 *   time     milliseconds; absolute times are on the clock of weir_now().
 *   thread   the one that runs the loop of the object.
 *   callback runs from the loop, never inside the call that caused it.
 */
#ifndef WEIR_BASE_H
#define WEIR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#if UV_VERSION_HEX < 0x012c00
#error "weir needs libuv 1.44 or later"
#endif

#if defined(_WIN32)
#if defined(WEIR_BUILDING_SHARED)
#define WEIR_EXTERN __declspec(dllexport)
#elif defined(WEIR_USING_SHARED)
#define WEIR_EXTERN __declspec(dllimport)
#else
#define WEIR_EXTERN
#endif
#elif defined(__GNUC__)
#define WEIR_EXTERN __attribute__((visibility("default")))
#else
#define WEIR_EXTERN
#endif

#define WEIR_STRING_(x) #x
#define WEIR_STRING(x) WEIR_STRING_(x)
#define WEIR_HERE __FILE__ ":" WEIR_STRING(__LINE__)

typedef struct weir_loop_s weir_loop_t;
typedef struct weir_ctx_s weir_ctx_t;
typedef struct weir_chan_s weir_chan_t;
typedef struct weir_op_s weir_op_t;
typedef struct weir_case_s weir_case_t;

#endif
