package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/underseal/underseal/internal/secret"
)

const (
	// messageTime is how long one message may take to arrive or leave; both
	// ends are on one machine.
	messageTime = 5 * time.Second
	// lookTime is how often the time of day is looked at: timers stand still
	// while the machine sleeps.
	lookTime = 10 * time.Second
	// maxConnections bounds how many are served at once. More wait.
	maxConnections = 16
)

// Config is what a Server needs.
type Config struct {
	// Socket is the path from SocketPath. The directory above its own exists.
	Socket string
	// Lifetime is how long the secret is held, from MinLifetime to MaxLifetime.
	Lifetime time.Duration
	// Clock is nil for the system's.
	Clock Clock
}

// Server is an agent within this process. Programs use Unlock, which starts
// one in a process of its own.
type Server struct {
	config   Config
	clock    Clock
	listener *net.UnixListener
	lock     *os.File // held while the agent lives

	cancel   context.CancelFunc
	renewed  chan struct{} // a secret was put
	released chan struct{} // closed once socket and lock are free

	mu       sync.Mutex
	secret   *secret.Bytes // nil once locked
	lifetime time.Duration
	since    time.Time
	running  time.Duration
}

// Listen takes the place of the one agent for this socket, or returns
// ErrRunning. A socket left behind by an agent that was killed is replaced;
// what is not this user's is not touched (ErrForeign).
func Listen(ctx context.Context, c Config) (*Server, error) {
	if err := checkLifetime(c.Lifetime); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = SystemClock()
	}
	if err := makeDir(filepath.Dir(c.Socket)); err != nil {
		return nil, err
	}
	// Only whoever has the lock touches the socket, and the kernel lets go of
	// it however its holder ends; so neither two agents nor a dead one's
	// socket are in the way.
	lock, err := lockFile(filepath.Join(filepath.Dir(c.Socket), "lock"))
	if err != nil {
		return nil, err
	}
	l, err := bind(ctx, c.Socket)
	if err != nil {
		_ = unlockFile(lock) // the error at hand says more
		return nil, err
	}
	return &Server{
		config: c, clock: c.Clock, listener: l, lock: lock,
		renewed: make(chan struct{}, 1), released: make(chan struct{}),
	}, nil
}

func bind(ctx context.Context, socket string) (*net.UnixListener, error) {
	switch err := checkSocket(socket); {
	case errors.Is(err, ErrNotRunning): // nothing there
	case err != nil:
		return nil, err
	default:
		if err := os.Remove(socket); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPath, err)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	// Until here the directory's mode keeps others out, and it stays.
	if err := os.Chmod(socket, 0o600); err != nil {
		_ = l.Close() // the error at hand says more
		return nil, fmt.Errorf("%w: %w", ErrPath, err)
	}
	return l.(*net.UnixListener), nil // what "unix" gives, by its documentation
}

// Serve holds s, a copy of its own, until the time is over, a client says
// lock, or ctx ends; all of these are no error. When it returns, the copy is
// overwritten and the socket is gone.
func (s *Server) Serve(ctx context.Context, held *secret.Bytes) error {
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	err := checkSecret(held)
	if err == nil {
		s.hold(held.Clone(), s.config.Lifetime)
	} else {
		s.cancel()
	}
	var handlers sync.WaitGroup
	var acceptErr error
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		acceptErr = s.accept(ctx, &handlers)
	}()

	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-accepted:
			s.cancel()
		case <-s.renewed:
		case <-s.clock.After(min(s.left(), lookTime)):
			// Without its socket nobody can say lock any more: the home was
			// moved or deleted.
			if s.left() <= 0 || checkSocket(s.config.Socket) != nil {
				s.cancel()
			}
		}
	}
	s.drop()
	// Closing removes the socket. The lock goes last, so that the next agent
	// finds the place empty; whoever said lock is answered after that.
	err = errors.Join(err, ignoreClosed(s.listener.Close()))
	<-accepted
	err = errors.Join(err, acceptErr, unlockFile(s.lock))
	close(s.released)
	handlers.Wait()
	return err
}

// accept serves connections until the listener is closed.
func (s *Server) accept(ctx context.Context, handlers *sync.WaitGroup) error {
	slots := make(chan struct{}, maxConnections)
	for {
		conn, err := s.listener.AcceptUnix()
		if err != nil {
			return ignoreClosed(err)
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done(): // those who said lock keep their slots until the end
			_ = conn.Close() // nothing was said
			continue
		}
		handlers.Go(func() {
			defer func() { <-slots }()
			defer func() { _ = conn.Close() }() // the reply is written, or cannot be
			s.handle(ctx, conn)
		})
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// handle answers one request. A peer of another user gets no answer at all.
func (s *Server) handle(ctx context.Context, conn *net.UnixConn) {
	if checkPeer(conn) != nil || conn.SetDeadline(time.Now().Add(messageTime)) != nil {
		return
	}
	// Once the agent ends, whoever has not asked yet is too late; answers
	// under way still leave.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now()) })
	defer stop()
	buf := make([]byte, messageSize)
	defer clear(buf)
	if _, err := io.ReadFull(conn, buf[:1]); err != nil {
		return
	}
	var reply *message
	if buf[0] != protocolVersion {
		reply = s.end()
	} else {
		if _, err := io.ReadFull(conn, buf[1:]); err != nil {
			return
		}
		reply = s.answer(buf)
	}
	defer reply.clear()
	out := reply.encode()
	defer clear(out)
	_, _ = conn.Write(out) // a client that is gone needs no answer
}

func (s *Server) answer(request []byte) *message {
	m, err := decode(request)
	defer m.clear()
	if err == nil {
		err = m.checkRequest()
	}
	switch {
	case errors.Is(err, ErrLifetime):
		return &message{verb: sayRefused}
	case err != nil:
		return &message{verb: sayProtocol}
	}
	switch m.verb {
	case opPut:
		if !s.put(secret.New(m.secret[:]), time.Duration(m.seconds)*time.Second) {
			return &message{verb: sayLocked}
		}
		return &message{verb: sayDone}
	case opLock:
		return s.end()
	default:
		return s.tell(m.verb == opGet)
	}
}

// end overwrites the secret and waits until the next agent could start.
func (s *Server) end() *message {
	s.drop()
	s.cancel()
	<-s.released
	return &message{verb: sayDone}
}

// hold takes over a secret. The caller holds mu, or is the only one yet.
func (s *Server) hold(held *secret.Bytes, lifetime time.Duration) {
	lockMemory(held.Expose())
	s.secret.Destroy()
	s.secret, s.lifetime = held, lifetime
	s.since, s.running = s.clock.Now(), s.clock.Running()
}

// put replaces the secret and begins a new lifetime, unless it is too late.
func (s *Server) put(held *secret.Bytes, lifetime time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leftLocked() <= 0 {
		held.Destroy()
		return false
	}
	s.hold(held, lifetime)
	select {
	case s.renewed <- struct{}{}:
	default: // it is to look anew already
	}
	return true
}

// drop overwrites the secret.
func (s *Server) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret.Destroy()
	s.secret = nil
}

// left is how long the secret has still to be held, by the clock that has
// less patience; zero or less if there is none.
func (s *Server) left() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leftLocked()
}

func (s *Server) leftLocked() time.Duration {
	if s.secret == nil {
		return 0
	}
	return s.lifetime - max(s.clock.Now().Sub(s.since), s.clock.Running()-s.running)
}

// tell answers how long the secret is still held, and with it if asked for.
func (s *Server) tell(all bool) *message {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.leftLocked()
	if left <= 0 {
		return &message{verb: sayLocked}
	}
	m := &message{verb: sayDone, seconds: uint32(math.Ceil(left.Seconds()))}
	if all {
		copy(m.secret[:], s.secret.Expose())
	}
	return m
}
