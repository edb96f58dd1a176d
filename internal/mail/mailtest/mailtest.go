// Package mailtest starts a real mail server, aiosmtpd, that keeps what it gets.
//
// It is for tests alone (internal/deptest) and promises nothing.
package mailtest

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// script is given to the interpreter as an argument: a program built with
// -trimpath does not know where its sources are.
//
//go:embed sink.py
var script string

// Sink is a mail server on a port of its own.
type Sink struct {
	Port   int
	folder string
}

// Mail is a message that the server took.
type Mail struct {
	From    string   `json:"from"`
	To      []string `json:"to"`
	Content string   `json:"content"`
	TLS     bool     `json:"tls"`
	User    string   `json:"user"`
}

// Start starts a server, with options of sink.py; it ends with the
// test.
func Start(t testing.TB, options ...string) *Sink {
	t.Helper()
	// The Debian package installs for Debian's own interpreter.
	interpreter := "python3"
	if head, err := os.ReadFile(testenv.Tool(t, "aiosmtpd", "python3-aiosmtpd")); err == nil {
		if line, found := strings.CutPrefix(strings.SplitN(string(head), "\n", 2)[0], "#!"); found {
			interpreter = strings.Fields(line)[0]
		}
	}
	s := &Sink{folder: t.TempDir()}
	args := append([]string{"-c", script, s.folder}, options...)
	cmd := exec.Command(interpreter, args...) //nolint:noctx,gosec // it is killed below; the script of this folder
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		s.Port, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		t.Fatalf("the mail server did not start: %v", err)
	}
	return s
}

// Mails are the messages so far, in their order.
func (s *Sink) Mails(t testing.TB) (list []Mail) {
	t.Helper()
	for n := 1; ; n++ {
		b, err := os.ReadFile(filepath.Join(s.folder, strconv.Itoa(n)+".json"))
		if os.IsNotExist(err) {
			return list
		}
		var m Mail
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
}
