package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// story runs the program for several people, each with a home of their own.
type story struct {
	ctx    context.Context
	binary string
	dir    string
	out    io.Writer
	err    error
}

// begin makes the folder of a story and a passphrase for its people; end locks
// their homes and removes all of it.
func begin(ctx context.Context, binary string, out io.Writer, people ...string) (s *story, end func(), err error) {
	dir, err := os.MkdirTemp("", "underseal-demo-")
	if err != nil {
		return nil, nil, err
	}
	s = &story{ctx: ctx, binary: binary, dir: dir, out: out}
	s.write("passphrase", []byte("correct horse battery staple\n"))
	return s, func() {
		for _, who := range people {
			s.quiet(who, "lock")
		}
		_ = os.RemoveAll(dir)
	}, nil
}

func (s *story) title(t string) { s.say("\n%s\n%s", t, strings.Repeat("-", len(t))) }

func (s *story) say(format string, args ...any) {
	if s.err == nil {
		_, _ = fmt.Fprintf(s.out, format+"\n", args...)
	}
}

func (s *story) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *story) path(name string) string { return filepath.Join(s.dir, name) }

func (s *story) read(name string) []byte {
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.fail(err)
	}
	return b
}

func (s *story) write(name string, data []byte) {
	if err := os.WriteFile(s.path(name), data, 0o600); err != nil {
		s.fail(err)
	}
}

func (s *story) command(who string, args []string) *exec.Cmd {
	c := exec.CommandContext(s.ctx, s.binary, args...) // #nosec G204 G702 -- the program that was just built
	c.Dir = s.dir
	c.Env = append(os.Environ(), "UNDERSEAL_HOME="+s.path("home-"+who), "UNDERSEAL_PASSPHRASE_FILE="+s.path("passphrase"))
	return c
}

// run shows a command and what it said.
func (s *story) run(who string, args ...string) { s.expect(who, 0, args) }

// fails is run for a command that has to fail with an exit code.
func (s *story) fails(who string, code int, args ...string) { s.expect(who, code, args) }

func (s *story) expect(who string, code int, args []string) {
	if s.err != nil {
		return
	}
	s.prompt(who, args)
	out, err := s.command(who, args).CombinedOutput()
	text := strings.ReplaceAll(string(out), s.dir+string(filepath.Separator), "")
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !strings.HasPrefix(line, "next: ") {
			s.say("%s", line)
		}
	}
	got := 0
	if err != nil {
		got = -1
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			got = exit.ExitCode()
		}
	}
	if got != code {
		s.fail(fmt.Errorf("underseal %s: exit %d, expected %d", args[0], got, code))
	} else if code != 0 {
		s.say("(exit %d)", code)
	}
}

// prompt shows a command as it is typed.
func (s *story) prompt(who string, args []string) {
	shown := make([]string, len(args))
	for i, a := range args {
		a = strings.ReplaceAll(a, s.dir+string(filepath.Separator), "")
		if strings.ContainsAny(a, " '") {
			a = `"` + a + `"`
		}
		shown[i] = a
	}
	s.say("\n%s$ underseal %s", who, strings.Join(shown, " "))
}

// quiet runs a command that does not belong to the story.
func (s *story) quiet(who string, args ...string) {
	if out, err := s.command(who, args).CombinedOutput(); err != nil {
		s.fail(fmt.Errorf("underseal %s: %w: %s", args[0], err, out))
	}
}

// value asks a command for one of its JSON values.
func (s *story) value(who, key string, args ...string) string {
	out, err := s.command(who, append(args, "--json")).Output()
	if err != nil {
		s.fail(fmt.Errorf("underseal %s: %w", args[0], err))
		return ""
	}
	var m map[string]any
	if err := json.Unmarshal(out, &m); err != nil {
		s.fail(err)
		return ""
	}
	v, _ := m[key].(string)
	return v
}

// short cuts a cell to what fits beside others. A token is cut in its middle:
// its beginning is the same for a whole column, its end never is.
func short(s string) string {
	const most = 16
	s = strings.ReplaceAll(s, "\n", " / ")
	if strings.HasPrefix(s, "us1.") {
		return s[:6] + "…" + s[len(s)-most+7:]
	}
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
