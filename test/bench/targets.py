"""What is compared with what, what it is to come to, and how it is shown."""
import subprocess

# weir's workload -> [(program, its workload)], where that is not the one of the same name of all
PEERS = {
    "many64": [("go", "buffered128"), ("asio", "buffered128"), ("rust", "buffered128")],
    "pipeline3": [("go", "pipeline3"), ("go", "pipeline3_done"), ("asio", "pipeline3"),
                  ("rust", "pipeline3")],
    "pipeline10": [("go", "pipeline10"), ("go", "pipeline10_done"), ("asio", "pipeline10"),
                   ("rust", "pipeline10")],
    "pipe3": [("go", "pipeline3"), ("go", "pipeline3_done"), ("asio", "pipeline3"),
              ("rust", "pipeline3")],
    "pipe10": [("go", "pipeline10"), ("go", "pipeline10_done"), ("asio", "pipeline10"),
               ("rust", "pipeline10")],
    "fan_in8_hand": [("go", "fan_in8"), ("asio", "fan_in8"), ("rust", "fan_in8")],
    "shared_rendezvous": [("weir", "rendezvous"), ("go", "rendezvous")],
    "shared_buffered128": [("weir", "buffered128"), ("go", "buffered128")],
    "thread_many64": [("go", "thread1024"), ("rust", "thread1024")],
    "thread_many64_128": [("go", "thread128"), ("rust", "thread128")],
    "pingpong": [("weir", "uv_pingpong")],
    "pingpong_nospin": [("weir", "uv_pingpong")],
    "pingpong_busy": [("weir", "uv_pingpong"), ("weir", "uv_pingpong_busy")],
    "tcp_latency": [("weir", "uv_tcp_latency"), ("go", "tcp_latency")],
    "work100us": [("weir", "uv_work100us"), ("go", "work100us")],
    "work1us": [("weir", "uv_work1us"), ("go", "work1us")],
}
# A parallel_group of receives is no select: all that are ready by then deliver. These try first.
for n in (4, 32, 128):
    PEERS[f"select{n}"] = [("go", f"select{n}"), ("asio", f"select{n}_try"), ("rust", f"select{n}")]
PEERS["select2"] = [("go", "select2"), ("rust", "select2")]
for capacity in ("128", "1024"):
    for kind in ("range", "blocking", "blocking_both"):
        name = f"thread_range{capacity}" if kind == "range" else f"{kind}{capacity}"
        PEERS[name] = [("go", f"thread{capacity}"), ("rust", f"thread{capacity}")]

# How many times faster than the fastest of the peers named ("best": Go, Asio, Rust): at least, aim.
TARGETS = {
    **dict.fromkeys(("rendezvous", "rendezvous10", "rendezvous100", "rendezvous1000", "range"),
                    [("best", 3.5, 4.5)]),
    "buffered128": [("go", 1.7, 2.2)],
    "many64": [("go", 5, 10)],
    "pipeline3": [("best", 4, 5), ("go:pipeline3_done", 6, 8)],
    "pipe3": [("best", 4, 6)],
    "select4": [("go", 6, 8), ("best", 3, 3)],
    "select4_one": [("best", 4, 5)],
    "select128": [("best", 2.5, 2.5)],
    "fan_in8": [("best", 4, 5)],
    "sieve": [("best", 2.5, 3.3)],
    "skynet": [("best", 1.7, 2.5)],
    "ring": [("best", 3, 4)],
    "ctx.new_cancel": [("go", 6, 9)],
    "ctx.new_timeout_cancel": [("go", 8, 12)],
    "ctx.tree_create": [("go", 2.5, 4)],
    "ctx.tree_cancel": [("go", 10, 15)],
    "chan.new": [("go", 1, 1.7)],
    "sleeps": [("go", 1.8, 2.5), ("uv", 2.5, 4)],
    "try_empty": [("go", 1.7, 2)],
    "shared_rendezvous": [("go", 1, 1.5)],
    "shared_buffered128": [("go", 1, 1.5)],
    "thread1024": [("go", 1, 1.3)],
    "thread128": [("go", 0.7, 1)],
    "thread_many64": [("go", 2, 3)],
    "thread_many64_128": [("go", 2, 3)],
    "blocking1024": [("go", 0.5, 1)],
    "blocking128": [("go", 0.5, 1)],
    "pingpong": [("weir", 1, 1)],
    "pingpong_busy": [("weir:uv_pingpong", 1, 10)],
    "work100us.speedup": [("weir", 1, 1)],
    "work1us": [("weir", 1, 10)],
}

# Figures that are not to exceed: at most, aim; of another figure, or a number.
LIMITS = {
    "rendezvous10000": ("rendezvous", 1.6, 1.25),
    "select128": ("select2", 10, 7),
    "park.bytes": (1, 160, 128),
    "park.wake": (1, 25, 15),
    "chan.bytes": (1, 192, 112),
    "ctx_tree_loops.groups": (1, 100, 100),
    "ctx_tree_loops.bridges": (1, 100, 100),
}

# Figures that are to reach a number.
LEAST = {"work100us.speedup": 1.7}

LANGUAGES = ("go", "asio", "rust")


def ratio(unit, ours, theirs):
    """More is better: of a speed-up it is the other way round."""
    return ours / theirs if unit == "x" else theirs / ours


def is_of(label, whom):
    if whom == "best":
        return label.split(":")[0] in LANGUAGES and not label.endswith("_done")
    return label == whom or label.split(":")[0] == whom and not label.endswith("_done")


def verdict(is_met, aims_met):
    return "" if aims_met else "  below the aim" if is_met else "  MISSED"


def judge(name, ratios):
    """Yields a line for each target of a figure."""
    for whom, least, aim in TARGETS.get(name, []):
        against = [value for label, value in ratios.items() if is_of(label, whom)]
        if against:
            r = min(against)
            yield f"{r:6.2f} x {whom}, at least {least:g}, aim {aim:g}{verdict(r >= least, r >= aim)}"


def judge_limit(name, ours, results):
    if name in LEAST:
        yield f"{ours:6.2f}, at least {LEAST[name]:g}{verdict(ours >= LEAST[name], True)}"
    if name not in LIMITS:
        return
    of, most, aim = LIMITS[name]
    if of in results:
        ours /= results[of]["weir"]
    if of in results or of == 1:
        what = f" x {of}" if of != 1 else ""
        yield f"{ours:6.2f}{what}, at most {most:g}, aim {aim:g}{verdict(ours <= most, ours <= aim)}"


def print_table(results):
    for name, labels in results.items():
        ours, unit, ratios = labels["weir"], labels["unit"], labels["ratios"]
        theirs = "  ".join(f"{label} {labels[label]:.2f} ({r:.2f})" for label, r in ratios.items())
        print(f"{name:26} {ours:10.2f} {unit:3} {theirs}".rstrip())
        for line in (*judge(name, ratios), *judge_limit(name, ours, results)):
            print(f"{'':28}{line}")
    print("\nIn brackets: how many times faster weir is. A unit of ns is that of a value, us of a round trip.")


# charts

CHARTS = {
    "one-loop": ("Nanoseconds a value on one loop", [
        "rendezvous", "rendezvous1000", "buffered128", "select4", "select4_one", "pipeline3",
        "pipe3", "fan_in8", "ring"]),
    "contexts-and-timers": ("Nanoseconds for each", [
        "ctx.new_cancel", "ctx.new_timeout_cancel", "ctx.tree_create", "ctx.tree_cancel", "sleeps",
        "sleeps_expire", "chan.new"]),
    "threads": ("Nanoseconds a value between two threads", [
        "thread128", "thread1024", "thread_many64", "blocking128", "blocking1024", "thread41_1024",
        "thread14_1024", "thread44_1024"]),
}


def column(labels, whom):
    values = [value for label, value in labels.items()
              if label.split(":")[0] == whom and not label.endswith("_done")]
    return f"{min(values):.2f}" if values else "NaN"


def draw_one(title, names, results, path):
    names = [name for name in names if name in results]
    programs = [p for p in ("weir", *LANGUAGES, "uv")
                if any(column(results[name], p) != "NaN" for name in names)]
    rows = "\n".join(" ".join([f'"{name}"', *(column(results[name], p) for p in programs)])
                     for name in names)
    plots = ", ".join(f"$data using {i + 2}{':xtic(1)' if i == 0 else ''} title '{p}'"
                      for i, p in enumerate(programs))
    script = f"""set terminal svg size 900,420 noenhanced font 'sans-serif,12' background '#ffffff'
set output '{path}'
set title '{title} (log scale, less is better)'
set style data histogram
set style histogram cluster gap 1
set style fill solid 0.9 border -1
set logscale y
set grid ytics
set xtics rotate by -30
set key outside right top
$data << END
{rows}
END
plot {plots}
"""
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def draw(results, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, figures) in CHARTS.items():
        if any(figure in results for figure in figures):
            draw_one(title, figures, results, folder / f"{name}.svg")
