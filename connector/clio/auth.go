package clio

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

// auth holds the tokens that all requests share.
type auth struct {
	busy chan struct{} // held by the one who asks for new tokens

	mu         sync.Mutex
	tokens     Tokens
	generation int
}

// access returns the access token and which one it is, a new one if the old
// is about to end.
func (c *Connector) access(ctx context.Context) (string, int, error) {
	c.auth.mu.Lock()
	tokens, generation := c.auth.tokens, c.auth.generation
	c.auth.mu.Unlock()
	ending := !tokens.Expires.IsZero() && !c.cfg.Clock.Now().Add(early).Before(tokens.Expires)
	if tokens.Access.Len() > 0 && (!ending || tokens.Refresh.Len() == 0) {
		return string(tokens.Access.Expose()), generation, nil
	}
	if err := c.refresh(ctx, generation); err != nil {
		return "", 0, err
	}
	c.auth.mu.Lock()
	defer c.auth.mu.Unlock()
	return string(c.auth.tokens.Access.Expose()), c.auth.generation, nil
}

// refresh gets a new access token in place of the one of this generation,
// unless somebody else did meanwhile.
func (c *Connector) refresh(ctx context.Context, generation int) error {
	select {
	case c.auth.busy <- struct{}{}:
		defer func() { <-c.auth.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	c.auth.mu.Lock()
	old, now := c.auth.tokens, c.auth.generation
	c.auth.mu.Unlock()
	if now != generation {
		return nil
	}
	if old.Refresh.Len() == 0 {
		return fmt.Errorf("there is no refresh token: %w", connector.ErrUnauthorized)
	}
	fresh, err := c.renew(ctx, old)
	if err != nil {
		return err
	}
	if c.cfg.Keep != nil {
		if err := c.cfg.Keep(ctx, fresh); err != nil {
			return fmt.Errorf("keep the new token: %w", err)
		}
	}
	c.auth.mu.Lock()
	c.auth.tokens, c.auth.generation = fresh, generation+1
	c.auth.mu.Unlock()
	c.refreshes.Add(1)
	return nil
}

// renew asks for a new access token until there is an answer: asking twice
// makes two of them, which does no harm.
func (c *Connector) renew(ctx context.Context, old Tokens) (Tokens, error) {
	var a attempts
	for {
		a.n++
		c.requests.Add(1)
		if a.n > 1 {
			c.retries.Add(1)
		}
		sent := c.cfg.Clock.Now()
		fresh, status, err := c.cfg.App.refresh(ctx, c.cfg.Transport, c.cfg.Clock, old)
		lost := errors.Is(err, transport.ErrNotSent) || errors.Is(err, transport.ErrLost)
		if c.cfg.Trace != nil {
			e := Event{Method: methodPost, Path: "/oauth/token", Attempt: a.n, Status: status, Took: c.cfg.Clock.Now().Sub(sent)}
			if lost {
				e.Lost = err
			}
			c.cfg.Trace(e)
		}
		switch {
		case err == nil:
			return fresh, nil
		case ctx.Err() != nil:
			return Tokens{}, ctx.Err()
		case lost:
			err = fmt.Errorf("%w: %w", connector.ErrUnavailable, err)
		case !errors.Is(err, connector.ErrUnavailable):
			return Tokens{}, err
		}
		if err := c.pause(ctx, &a, &repeat{cause: err}); err != nil {
			return Tokens{}, err
		}
	}
}
