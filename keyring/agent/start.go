package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/underseal/underseal/internal/secret"
)

// startTime is how long a new agent may take until it listens.
const startTime = 10 * time.Second

// What a new agent says on its standard output, once, before it serves.
const (
	saidReady   = 'r'
	saidRunning = 'b'
	saidFailed  = 'e' // followed by the reason
)

// maxReason bounds the reason that a new agent gives, in bytes.
const maxReason = 1024

// ErrStart says that the agent's process could not be started, and why.
var ErrStart = errors.New("the agent did not start")

// Command is how this program runs itself as an agent.
type Command struct {
	// Path is the program, from os.Executable, and Args what follows it; the
	// program must come to Run with Config's socket and lifetime. Nothing
	// secret belongs here.
	Path string
	Args []string
}

// Unlock has s held for lifetime at socket: by the agent that runs there, or
// by a new one, started with cmd.
func Unlock(ctx context.Context, socket string, lifetime time.Duration, cmd Command, s *secret.Bytes) error {
	if err := errors.Join(checkLifetime(lifetime), checkSecret(s)); err != nil {
		return err
	}
	var err error
	for range 3 { // agents come and go between the two steps
		err = (&Client{socket: socket}).Put(ctx, s, lifetime)
		if !errors.Is(err, ErrNotRunning) {
			return err
		}
		err = Start(ctx, cmd, s)
		if !errors.Is(err, ErrRunning) {
			return err
		}
	}
	return err
}

// Start runs cmd as a process that outlives this one, in a session of its
// own, with an empty environment, nothing open but its pipes, and the root as
// its working directory; passes it s over its standard input; and returns
// once it listens, or with ErrRunning or ErrStart.
func Start(ctx context.Context, cmd Command, s *secret.Bytes) error {
	if err := checkSecret(s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	// It is not to be killed when this command's work is done.
	c := exec.CommandContext(context.WithoutCancel(ctx), cmd.Path, cmd.Args...) //nolint:gosec // the program itself
	c.Env = []string{}
	c.Dir = string(filepath.Separator)
	detach(c)
	in, inErr := c.StdinPipe()
	out, outErr := c.StdoutPipe()
	err := errors.Join(inErr, outErr)
	if err == nil {
		closeOnExec()
		err = c.Start()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	said := make(chan error, 1)
	held := s.Clone() // the caller may be told before the write has ended
	go func() {
		_, writeErr := in.Write(held.Expose())
		held.Destroy()
		err := errors.Join(writeErr, in.Close())
		if first := listen(out); first != nil {
			err = first // says more than a broken pipe
		}
		said <- err
		_ = c.Wait() // so that it leaves no zombie if this program lives on
	}()
	select {
	case err := <-said:
		return err
	case <-ctx.Done():
		_ = c.Process.Kill() // it may be ending by itself
		return fmt.Errorf("%w: %w", ErrStart, ctx.Err())
	}
}

// listen reads what a new agent says of itself.
func listen(out io.Reader) error {
	first := make([]byte, 1)
	if _, err := io.ReadFull(out, first); err != nil {
		return fmt.Errorf("%w: it said nothing", ErrStart)
	}
	switch first[0] {
	case saidReady:
		return nil
	case saidRunning:
		return ErrRunning
	default:
		reason, err := io.ReadAll(io.LimitReader(out, maxReason))
		return errors.Join(fmt.Errorf("%w: %s", ErrStart, reason), err)
	}
}

// Run is the agent's process: it reads the secret from in, listens, says so
// on out, closes both, and serves until the time is over, a client says lock,
// or the process is told to end. in and out are os.Stdin and os.Stdout; ctx
// need not catch signals.
func Run(ctx context.Context, c Config, in io.ReadCloser, out io.WriteCloser) error {
	harden()
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	held, err := receive(in)
	if err != nil {
		return say(out, err)
	}
	defer held.Destroy()
	server, err := Listen(ctx, c)
	if err != nil {
		return say(out, err)
	}
	if err := say(out, nil); err != nil {
		// Whoever started it went away; nobody knows that it is here.
		stop()
		return errors.Join(err, server.Serve(ctx, held))
	}
	return server.Serve(ctx, held)
}

// receive reads one secret, which nothing may follow.
func receive(in io.ReadCloser) (*secret.Bytes, error) {
	buf := make([]byte, SecretSize+1)
	defer clear(buf)
	n, err := io.ReadFull(in, buf)
	if n != SecretSize || !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, errors.Join(fmt.Errorf("%w: no device secret on the standard input", ErrStart), in.Close())
	}
	if err := in.Close(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStart, err)
	}
	return secret.New(buf[:SecretSize]), nil
}

// say tells whoever started the agent how it went, and returns what went
// wrong.
func say(out io.WriteCloser, err error) error {
	text := []byte{saidReady}
	switch {
	case errors.Is(err, ErrRunning):
		text = []byte{saidRunning}
	case err != nil:
		text = append([]byte{saidFailed}, err.Error()...)
	}
	_, writeErr := out.Write(text)
	return errors.Join(err, writeErr, out.Close())
}
