//go:build unix

package bench

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime reports the processor time of a loop beside its wall time, which on
// a machine with other work to do says more.
func cpuTime(b *testing.B) func() {
	b.Helper()
	start := used(b)
	return func() { b.ReportMetric(float64(used(b)-start)/float64(time.Millisecond)/float64(b.N), "cpu-ms/op") }
}

func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
