package cliosim

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// Config says where a simulator keeps its data and how it behaves. Its zero
// value, with a path, is Clio as documented.
type Config struct {
	// Path is the SQLite file, made where it is missing.
	Path string
	// Now is the clock, [time.Now] where nil. Dates, rate limits, lifetimes of
	// tokens and the lag of the search follow it.
	Now func() time.Time
	// Rand is where tokens come from, [rand.Reader] where nil.
	Rand io.Reader
	// Region is the region that [Sim.Handler] serves, "us" where empty.
	Region string
	// AutoApprove is the email of a user in whose name every request for
	// authorization is granted without a page; empty shows the page.
	AutoApprove string
	// Relaxed waits for no disk: an answered write survives the end of the
	// process and may not survive that of the machine. For benchmarks.
	Relaxed bool
	// Settings are the rules at the start.
	Settings Settings
}

// Settings are rules that can change while the simulator runs. A number that
// is zero means the default.
type Settings struct {
	// RateLimit is how many requests an access token has in a window, 50.
	RateLimit int `json:"rate_limit"`
	// Window is the length of the windows, a minute. They begin at multiples
	// of it, so that the reset is a whole second where the length is one.
	Window Duration `json:"window"`
	// TextLine is the longest value of a text_line, email or url field in
	// characters, 255.
	TextLine int `json:"text_line"`
	// TextArea is the longest value of a text_area field in bytes, 65,536.
	TextArea int `json:"text_area"`
	// SearchLag is how long a new object is missing from the answers to query;
	// less than zero until [Sim.Index] is called. 0 is none.
	SearchLag Duration `json:"search_lag"`
	// OffsetCap is where paging by offset stops, 10,000.
	OffsetCap int `json:"offset_cap"`
	// TokenLife is how long an access token lasts, 30 days.
	TokenLife Duration `json:"token_life"`
	// LaxRequired accepts records whose required fields are empty.
	LaxRequired bool `json:"lax_required"`
	// JSONNumbers answers numeric and currency values as JSON numbers instead
	// of strings.
	JSONNumbers bool `json:"json_numbers"`
	// RetiredVersions are the values of X-API-VERSION answered by 410.
	RetiredVersions []string `json:"retired_versions"`
}

func (s Settings) withDefaults() Settings {
	pick := func(n *int, otherwise int) {
		if *n <= 0 {
			*n = otherwise
		}
	}
	pick(&s.RateLimit, 50)
	pick(&s.TextLine, 255)
	pick(&s.TextArea, 65536)
	pick(&s.OffsetCap, 10_000)
	if s.Window <= 0 {
		s.Window = Duration(time.Minute)
	}
	if s.TokenLife <= 0 {
		s.TokenLife = Duration(30 * 24 * time.Hour)
	}
	return s
}

// Sim is a simulated Clio. Its methods may be called at the same time.
type Sim struct {
	cfg    Config
	db     *sql.DB
	shapes *shapes
	ending chan struct{} // closed by Close: requests that hang end
	once   sync.Once

	mu       sync.Mutex // guards all below
	settings Settings
	faults   []*armed
	windows  map[string]*window
	counters Counters
}

// Open opens or makes the simulator's data. An empty file is a Clio without
// accounts: [Sim.Seed] fills it.
func Open(ctx context.Context, cfg Config) (*Sim, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Region == "" {
		cfg.Region = "us"
	}
	shapes, err := parseShapes()
	if err != nil {
		return nil, err
	}
	db, err := openDB(ctx, cfg.Path, cfg.Relaxed)
	if err != nil {
		return nil, err
	}
	s := &Sim{
		cfg: cfg, db: db, shapes: shapes, ending: make(chan struct{}),
		settings: cfg.Settings.withDefaults(), windows: map[string]*window{},
	}
	s.ResetCounters()
	return s, nil
}

// Close ends requests that hang and closes the file. What was answered before
// is in it, as it is after a kill.
func (s *Sim) Close() error {
	var err error
	s.once.Do(func() {
		close(s.ending)
		err = s.db.Close()
	})
	return err
}

// Settings are the rules in force.
func (s *Sim) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// SetSettings changes the rules from the next request on. A new rate limit or
// window starts the windows anew.
func (s *Sim) SetSettings(settings Settings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings = settings.withDefaults()
	clear(s.windows)
}

// Handler serves the region of the configuration: /api/v4, /oauth and the
// simulator's own /_sim.
func (s *Sim) Handler() http.Handler { return s.RegionHandler(s.cfg.Region) }

// RegionHandler serves another region from the same data. Applications and
// tokens belong to one region and are unknown in the others.
func (s *Sim) RegionHandler(region string) http.Handler {
	return &server{sim: s, region: region}
}

func (s *Sim) now() time.Time { return s.cfg.Now().UTC() }

// random makes an unguessable text of 43 characters.
func (s *Sim) random() (string, error) {
	raw := make([]byte, 32)
	if _, err := io.ReadFull(s.cfg.Rand, raw); err != nil {
		return "", fmt.Errorf("cliosim: randomness: %w", err)
	}
	return urlText(raw), nil
}
