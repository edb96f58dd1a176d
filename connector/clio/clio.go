// Package clio is the connector to Clio Manage, over version 4 of its API.
//
// Use Region or At for the place, App.SignIn and SignIn.Exchange to connect an
// account once, and New with the tokens for everything else: a Connector is
// connector.Records, Definer, Prober, Recent and Budgeter, for the custom fields of
// matters and contacts. It paces itself by the headers of Clio's answers,
// repeats what may be repeated, and reports everything else by the errors of
// package connector. One Connector is one account; its methods may be called
// by several goroutines.
//
// A connector sees values as Clio keeps them and knows no key: what it asks,
// when and how often, cannot depend on what a sealed value says (attack 38).
// Nothing that a record holds is ever requested; links are followed within a
// list, at the same address (attack 21).
//
// # What is assumed of Clio
//
// Clio's public description leaves these open; a simulator shows that the
// connector does what they ask for, not that they are true:
//
//   - A text line keeps 255 characters and a text area 65,536, until Probe has
//     tried.
//   - An element of custom_field_values without the keys that were asked for
//     was withheld. One with "id": null was never set.
//   - The etag of a matter or contact changes with its custom field values, and
//     If-Match is honored for them.
//   - The updated_at of a matter or contact changes with its custom field
//     values, by a clock that agrees with the Date header to a minute, and a
//     list with updated_since has every such record at once: the search index,
//     which lags, has no part in it.
//   - Lists in the order id(asc) stay in it over all pages, and no page but the
//     last is empty.
//   - A field that is made is not put into sets: the description has no way.
//   - A field's name has 32 characters at most.
//   - The rate headers count whole windows of one minute, also on errors.
//
// Compatibility: until release 1.0.0 names may change; afterwards what compiles
// keeps compiling.
package clio

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/transport"
)

// Name is the name of this connector in places and records.
const Name = "clio"

// The kinds of record.
const (
	Matter  = "matter"
	Contact = "contact"
)

// MaxName is the most characters of a field's name.
const MaxName = 32

const (
	pageSize = 200 // the most that Clio lists at once
	// parallel hides the time that an answer takes; more would only queue for
	// the pacer.
	parallel = 4
	// usualPatience outlives an hour without a network.
	usualPatience = 2 * time.Hour
	userAgent     = "underseal"
)

// Config is what a Connector needs.
type Config struct {
	App    App
	Tokens Tokens
	// Keep is called with new tokens before they are used, to be kept where the
	// old ones were. Its error ends the call that needed them.
	Keep func(context.Context, Tokens) error
	// Transport sends the requests.
	Transport transport.Transport
	// Clock is what waits; nil stands for the machine's.
	Clock connector.Clock
	// Budget is the most requests a minute, 0 for what Clio allows.
	Budget int
	// Patience is how long a request is repeated that gets no answer; 0 stands
	// for two hours.
	Patience time.Duration
	// Chance is where random bytes come from, for waiting times and the names
	// of probes; nil stands for crypto/rand.
	Chance io.Reader
	// Trace is called after every attempt of a request; nil for nothing. It
	// must return quickly.
	Trace func(Event)
}

// Event is one attempt of a request: no header, no body, no query.
type Event struct {
	Method, Path string
	Attempt      int           // from 1
	Status       int           // 0 if no answer came
	Waited       time.Duration // for permission to send
	Took         time.Duration // from sending to the end of the answer
	Lost         error         // the transport's error where there was one
}

// Counters say what a Connector has done since New.
type Counters struct {
	Requests  int64         // attempts that were sent, also to sign in again
	Retries   int64         // of these, repetitions
	Limited   int64         // answers 429
	Refreshes int64         // new access tokens
	Waits     int64         // times that a request waited for permission or to be repeated
	Waited    time.Duration // for permission
	BackedOff time.Duration // to repeat
}

// Connector reads and writes the custom fields of one Clio account.
type Connector struct {
	cfg   Config
	pacer *pacer
	auth  auth

	requests, retries, limited, refreshes, waits, waited, backedOff atomic.Int64

	mu       sync.Mutex
	identity *identity
	proven   map[connector.FieldType]bounds
}

var (
	_ connector.Records  = (*Connector)(nil)
	_ connector.Definer  = (*Connector)(nil)
	_ connector.Prober   = (*Connector)(nil)
	_ connector.Budgeter = (*Connector)(nil)
	_ connector.Meter    = (*Connector)(nil)
	_ connector.Recent   = (*Connector)(nil)
)

// New makes a connector. It asks nobody; a wrong token shows with the first
// request.
func New(cfg Config) (*Connector, error) {
	if err := cfg.App.check(); err != nil {
		return nil, err
	}
	if cfg.Transport == nil || cfg.Budget < 0 || cfg.Patience < 0 {
		return nil, errors.New("clio: a transport is missing, or a bound is negative")
	}
	if !headerSafe(string(cfg.Tokens.Access.Expose())) && !headerSafe(string(cfg.Tokens.Refresh.Expose())) {
		return nil, errors.New("clio: there is no token")
	}
	if cfg.Clock == nil {
		cfg.Clock = connector.SystemClock{}
	}
	if cfg.Patience == 0 {
		cfg.Patience = usualPatience
	}
	if cfg.Chance == nil {
		cfg.Chance = rand.Reader
	}
	return &Connector{
		cfg: cfg, pacer: newPacer(cfg.Clock, cfg.Budget), proven: map[connector.FieldType]bounds{},
		auth: auth{busy: make(chan struct{}, 1), tokens: cfg.Tokens},
	}, nil
}

// Capabilities implements [connector.Records].
func (c *Connector) Capabilities() connector.Capabilities {
	return connector.Capabilities{
		Conditional: true, Partial: true, Kinds: []string{Matter, Contact}, PageSize: pageSize, Parallel: parallel,
	}
}

// Budget implements [connector.Budgeter].
func (c *Connector) Budget() connector.Budget { return c.pacer.allowed() }

// Usage implements [connector.Meter].
func (c *Connector) Usage() connector.Usage {
	n := c.Counters()
	return connector.Usage{Requests: n.Requests, Waits: n.Waits, Waited: n.Waited + n.BackedOff}
}

// Counters returns what was done so far.
func (c *Connector) Counters() Counters {
	return Counters{
		Requests: c.requests.Load(), Retries: c.retries.Load(), Limited: c.limited.Load(), Refreshes: c.refreshes.Load(),
		Waits: c.waits.Load(), Waited: time.Duration(c.waited.Load()), BackedOff: time.Duration(c.backedOff.Load()),
	}
}
