package main

import (
	"syscall/js"
	"time"
)

// processor is the time that this process has used, which on a machine with
// other work to do says more than the clock.
func processor() time.Duration {
	u := js.Global().Get("process").Call("cpuUsage")
	return time.Duration(u.Get("user").Int()+u.Get("system").Int()) * time.Microsecond
}
