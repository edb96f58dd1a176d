package killtest

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/underseal/underseal/internal/testenv"
)

// The disk under the journal becomes full, at several places of the job. It
// stops and says so, and goes on when there is room.
func TestAttack51FullJournalOfACommand(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	testenv.Require(t, "root", os.Geteuid() == 0, "run as root, who may mount a file system")
	w := newWorld(t, size{seed: 1, contacts: 450})
	w.found()
	before := w.look()
	jobs := w.path("home-alice/jobs")
	must(t, os.Mkdir(jobs, 0o700))
	err := unix.Mount("tmpfs", jobs, "tmpfs", 0, "size=1m")
	testenv.Require(t, "mount", err == nil, "run where a file system can be mounted")
	t.Cleanup(func() {
		if err := unix.Unmount(jobs, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	failed := 0
	for leave := int64(0); leave < 200<<10; leave += 24 << 10 {
		var st unix.Statfs_t
		must(t, unix.Statfs(jobs, &st))
		must(t, os.WriteFile(w.path("home-alice/jobs/filler"), make([]byte, max(int64(st.Bavail)*st.Bsize-leave, 0)), 0o600))
		r := w.try("alice", enable...)
		must(t, os.Remove(w.path("home-alice/jobs/filler")))
		if r.code == 0 {
			break
		}
		failed++
		w.failed(exitStorage, r, enable, "no space left", "make room")
		w.sound(before)
	}
	if failed < 2 {
		t.Errorf("only %d commands met a full disk", failed)
	}
	w.run("alice", enable...)
	w.complete(before)
}
