/* weir: Go's concurrency building blocks for callback-style C on libuv. Includes every public
 * header. */
#ifndef WEIR_H
#define WEIR_H

#include <weir/base.h>
#include <weir/chan.h>
#include <weir/ctx.h>
#include <weir/group.h>
#include <weir/loop.h>
#include <weir/op.h>
#include <weir/pipe.h>
#include <weir/range.h>
#include <weir/select.h>
#include <weir/stats.h>
#include <weir/timer.h>
#include <weir/uv.h>
#include <weir/version.h>

#endif
