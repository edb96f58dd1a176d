package killtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fileCall tells whether by a system call a file appears, is replaced or goes.
func fileCall(number uint64) bool {
	switch number {
	case unix.SYS_LINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT:
		return true
	default:
		return false
	}
}

// syscallInfo begins as struct ptrace_syscall_info of linux/ptrace.h does.
type syscallInfo struct {
	op     uint8 // 1 where a call begins
	_      [3]byte
	_      uint32
	_      [2]uint64
	number uint64
	_      [8]uint64 // what follows
}

const syscallBegins = 1

// killAtCall runs a command and kills it as its n-th call of fileCall begins, on
// whichever of its threads; never for 0. It counts the calls that began. strace
// would count each thread's, and each kind of call, by itself.
func killAtCall(c *exec.Cmd, n int) (calls int, killed bool, err error) {
	// A traced process knows one thread of its tracer.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	out, err := os.CreateTemp(c.Dir, "output-")
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = out.Close() }() // only read from here on
	// In a group of its own, so that nobody else's process is waited for: this
	// thread may have started some for other tests.
	p, err := os.StartProcess(c.Path, c.Args, &os.ProcAttr{
		Dir: c.Dir, Env: c.Env, Files: []*os.File{nil, out, out}, Sys: &unix.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return 0, false, err
	}
	pid := p.Pid
	defer func() { _ = p.Release() }() // it was waited for below
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
		return 0, false, err
	}
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACESYSGOOD); err != nil {
		return 0, false, err
	}
	for at, deliver := pid, 0; ; {
		if err := unix.PtraceSyscall(at, deliver); err != nil && !errors.Is(err, unix.ESRCH) { // a thread that was killed meanwhile
			return calls, killed, err
		}
		for {
			if at, err = unix.Wait4(-pid, &status, unix.WALL, nil); errors.Is(err, unix.EINTR) {
				continue
			} else if err != nil {
				return calls, killed, err
			}
			if status.Stopped() {
				break
			}
			if at == pid { // it ended, after all its threads
				return calls, killed, ended(status, killed, out.Name())
			}
		}
		deliver = 0
		switch signal := status.StopSignal(); signal {
		case unix.SIGTRAP | 0x80:
			var info syscallInfo
			_, _, e := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(at), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
			if e != 0 || info.op != syscallBegins || !fileCall(info.number) || killed {
				break
			}
			if calls++; calls == n {
				killed = true
				if err := unix.Kill(pid, unix.SIGKILL); err != nil {
					return calls, killed, err
				}
			}
		case unix.SIGTRAP, unix.SIGSTOP: // a new thread
		default:
			deliver = int(signal)
		}
	}
}

// ended is nil for a process that was killed, where it was to be, or ended well.
func ended(status unix.WaitStatus, killed bool, output string) error {
	said, err := os.ReadFile(output)
	if err != nil {
		return err
	}
	if err := os.Remove(output); err != nil {
		return err
	}
	switch {
	case killed && status.Signaled() && status.Signal() == unix.SIGKILL, !killed && status.Exited() && status.ExitStatus() == 0:
		return nil
	default:
		return fmt.Errorf("killed %v, status %#x: %s", killed, uint32(status), strings.TrimSpace(string(bytes.ToValidUTF8(said, nil))))
	}
}
