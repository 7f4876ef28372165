# Turns the output of `go test -bench` into one table, a row as soon as it is measured.
# Whatever is neither a result nor go test's frame (a failure, a panic) goes to standard error.

function duration(ns) {
    if (ns >= 1e9) return sprintf("%.2f s ", ns / 1e9)
    if (ns >= 1e6) return sprintf("%.2f ms", ns / 1e6)
    if (ns >= 1e3) return sprintf("%.2f us", ns / 1e3)
    return sprintf("%.2f ns", ns)
}

function row(where, what, time, bytes, allocs, more) {
    printf "%-10s %-46s %11s %11s %10s  %s\n", where, what, time, bytes, allocs, more
    fflush()
}

$1 == "pkg:" { where = $2; sub(/^github.com\/lf-store\/lf\/?/, "", where); next }
$1 == "cpu:" { if (!cpu++) { print; print "" }; next }
$1 == "goos:" || $1 == "goarch:" || $1 == "PASS" || $1 == "ok" || $1 == "?" || /\[no test files\]/ { next }

/^Benchmark/ && NF >= 4 && $2 ~ /^[0-9]+$/ {
    if (!rows++) row("package", "benchmark", "time/op", "bytes/op", "allocs/op", "measured besides")
    name = $1
    sub(/^Benchmark/, "", name)
    sub(/-[0-9]+$/, "", name)
    time = bytes = allocs = more = ""
    for (i = 3; i < NF; i += 2) {
        if ($(i + 1) == "ns/op") time = duration($i)
        else if ($(i + 1) == "B/op") bytes = $i
        else if ($(i + 1) == "allocs/op") allocs = $i
        else more = more (more ? ", " : "") $i " " $(i + 1)
    }
    row(where, name, time, bytes, allocs, more)
    next
}

NF { print > "/dev/stderr" }
