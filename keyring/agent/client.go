package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"github.com/underseal/underseal/internal/secret"
)

// Client speaks to a running agent. It is safe for concurrent use and holds
// nothing open.
type Client struct {
	socket string
}

// Dial finds the agent at a socket from SocketPath, or returns ErrNotRunning,
// or ErrForeign if whoever answers is not this user.
func Dial(ctx context.Context, socket string) (*Client, error) {
	c := &Client{socket: socket}
	if _, err := c.Status(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Secret returns the device secret, which the caller destroys.
func (c *Client) Secret(ctx context.Context) (*secret.Bytes, error) {
	m, err := c.ask(ctx, &message{verb: opGet})
	defer m.clear()
	if err != nil {
		return nil, err
	}
	return secret.New(m.secret[:]), nil
}

// Status returns how long the agent will still hold the secret, in whole
// seconds, rounded up.
func (c *Client) Status(ctx context.Context) (time.Duration, error) {
	m, err := c.ask(ctx, &message{verb: opStatus})
	if err != nil {
		return 0, err
	}
	return time.Duration(m.seconds) * time.Second, nil
}

// Put gives the agent a secret in place of the one it holds, for a new
// lifetime in whole seconds.
func (c *Client) Put(ctx context.Context, s *secret.Bytes, lifetime time.Duration) error {
	if err := errors.Join(checkLifetime(lifetime), checkSecret(s)); err != nil {
		return err
	}
	m := &message{verb: opPut, seconds: uint32(lifetime.Seconds())}
	defer m.clear()
	copy(m.secret[:], s.Expose())
	_, err := c.ask(ctx, m)
	return err
}

// Lock ends the agent and returns once its secret is overwritten and its
// place is free.
func (c *Client) Lock(ctx context.Context) error {
	_, err := c.ask(ctx, &message{verb: opLock})
	return err
}

// ask sends one request over a connection of its own.
func (c *Client) ask(ctx context.Context, request *message) (*message, error) {
	conn, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // the reply is read, or will not come
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()

	buf := request.encode()
	defer clear(buf)
	if err := conn.SetDeadline(time.Now().Add(messageTime)); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	_, err = conn.Write(buf)
	if err == nil {
		_, err = io.ReadFull(conn, buf)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case gone(err):
		return nil, fmt.Errorf("%w: it ended", ErrNotRunning)
	case err != nil:
		return nil, fmt.Errorf("agent: %w", err)
	}
	reply, err := decode(buf)
	if err != nil {
		return nil, fmt.Errorf("%w: it was %w and has ended", ErrNotRunning, err)
	}
	switch reply.verb {
	case sayDone:
		return reply, nil
	case sayLocked:
		return nil, fmt.Errorf("%w: its time is over", ErrNotRunning)
	case sayRefused:
		return nil, ErrLifetime
	default:
		return nil, ErrProtocol
	}
}

// connect checks who made the socket before and who listens after connecting.
func (c *Client) connect(ctx context.Context) (*net.UnixConn, error) {
	if err := checkDir(filepath.Dir(c.socket)); err != nil {
		return nil, err
	}
	if err := checkSocket(c.socket); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: messageTime}
	conn, err := d.DialContext(ctx, "unix", c.socket)
	switch {
	case gone(err):
		return nil, fmt.Errorf("%w: nobody answers at %s", ErrNotRunning, c.socket)
	case err != nil:
		return nil, fmt.Errorf("agent: %w", err)
	}
	u := conn.(*net.UnixConn) // what "unix" gives, by its documentation
	if err := checkPeer(u); err != nil {
		_ = u.Close() // nothing was sent
		return nil, err
	}
	return u, nil
}

// gone tells whether err is what one sees of an agent that ended.
func gone(err error) bool {
	for _, known := range []error{
		fs.ErrNotExist, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
