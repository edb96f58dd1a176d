package keystore

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/testenv"
)

func TestCheckPassphrase(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pass string
		ok   bool
	}{
		"four words":           {goodPassphrase, true},
		"just enough":          {"fifteen letters", true},
		"one too few":          {"fourteen chars", false},
		"counted as people do": {strings.Repeat("é", 15), true},
		"not as bytes":         {strings.Repeat("é", 14), false},
		"other scripts":        {"пароль из четырёх слов", true},
		"long":                 {strings.Repeat("x", MaxPassphrase), true},
		"too long":             {strings.Repeat("x", MaxPassphrase+1), false},
		"empty":                {"", false},
		"byte order mark":      {"\ufeff" + goodPassphrase, false},
		"line end":             {goodPassphrase + "\n", false},
		"zero-width space":     {"correct\u200bhorse battery", false},
		"escape":               {"correct\x1b[Ahorse battery", false},
		"not UTF-8":            {"correct\xffhorse battery", false},
		"null byte":            {"correct\x00horse battery", false},
	} {
		err := CheckPassphrase(secret.New([]byte(c.pass)))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: the error quotes the passphrase: %v", name, err)
		}
	}
}

// script answers questions in their order.
type script struct {
	answers []string
	asked   []string
	end     error
}

func (s *script) Secret(_ context.Context, question string) (*secret.Bytes, error) {
	s.asked = append(s.asked, question)
	if len(s.answers) == 0 {
		return nil, s.end
	}
	a := s.answers[0]
	s.answers = s.answers[1:]
	return secret.New([]byte(a)), nil
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	end := errors.New("interrupted")
	const other = "another horse entirely"
	for name, c := range map[string]struct {
		why     Purpose
		answers []string
		want    string
		err     error
		asked   int
	}{
		"open":             {ToOpen, []string{"x"}, "x", nil, 1},
		"open interrupted": {ToOpen, nil, "", end, 1},
		"save":             {ToSave, []string{goodPassphrase, goodPassphrase}, goodPassphrase, nil, 2},
		"save interrupted": {ToSave, nil, "", end, 1},
		"half confirmed":   {ToSave, []string{goodPassphrase}, "", end, 2},
		"short at first":   {ToSave, []string{"short", other, other}, other, nil, 3},
		"mistyped once":    {ToSave, []string{goodPassphrase, other, other, other}, other, nil, 4},
		"never good": {ToSave, []string{"a", "b", "c", goodPassphrase, goodPassphrase}, "",
			ErrPassphrase, 3},
	} {
		p := &script{answers: c.answers, end: end}
		got, err := Prompt(p)(t.Context(), c.why)
		if string(got.Expose()) != c.want || !errors.Is(err, c.err) || len(p.asked) != c.asked {
			t.Errorf("%s: %q, %v, asked %q", name, got.Expose(), err, p.asked)
		}
	}
}

func TestPassphraseFile(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", MaxPassphrase)
	for name, c := range map[string]struct {
		content, want string
		err           error
	}{
		"a line":             {"one two\n", "one two", nil},
		"no line end":        {"one two", "one two", nil},
		"CRLF":               {"one two\r\n", "one two", nil},
		"spaces are kept":    {" one \n", " one ", nil},
		"first line only":    {"one\ntwo\n", "one", nil},
		"as long as allowed": {full + "\r\n", full, nil},
		"empty file":         {"", "", ErrPassphrase},
		"empty line":         {"\none\n", "", ErrPassphrase},
		"only a CR":          {"\r\n", "", ErrPassphrase},
		"too long":           {full + "x\n", "", ErrPassphrase},
		"much too long":      {full + full + full, "", ErrPassphrase},
	} {
		path := filepath.Join(t.TempDir(), "pass")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		warned := func(err error) { t.Errorf("%s: warned: %v", name, err) }
		got, err := PassphraseFile(path, warned)(t.Context(), ToOpen)
		if string(got.Expose()) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", name, got.Expose(), err)
		}
		// A reader that gives a byte at a time, and the end with the last.
		slow, slowErr := firstLine(iotest.OneByteReader(iotest.DataErrReader(strings.NewReader(c.content))))
		if !slow.Equal(got) || !errors.Is(slowErr, c.err) {
			t.Errorf("%s, slowly: %q, %v", name, slow.Expose(), slowErr)
		}
	}
	if _, err := PassphraseFile(filepath.Join(t.TempDir(), "none"), nil)(t.Context(), ToOpen); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := PassphraseFile(t.TempDir(), nil)(t.Context(), ToOpen); err == nil {
		t.Error("a directory is read")
	}
	broken := errors.New("broken disk")
	if _, err := firstLine(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("half a line: %v", err)
	}
}

func TestPassphraseFileOpenToOthers(t *testing.T) {
	t.Parallel()
	testenv.OnlyOn(t, "linux", "darwin")
	path := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(path, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, warns := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o622: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var warned error
		got, err := PassphraseFile(path, func(err error) { warned = err })(t.Context(), ToOpen)
		if err != nil || string(got.Expose()) != "one" {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if errors.Is(warned, ErrOpenToOthers) != warns {
			t.Errorf("mode %04o: warned %v", mode, warned)
		}
	}
}
