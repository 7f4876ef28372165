package apiserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lf-store/lf/node/api"
)

const (
	// sessionTime is how long a session of the page lasts: a day at work.
	sessionTime = 12 * time.Hour
	// codeTime is how long a code waits for its browser.
	codeTime = 2 * time.Minute
	// maxSessions bounds the sessions, and the codes that wait. A new one ends the oldest.
	maxSessions = 64
)

// sessions are those of the page in browsers. They are in memory alone: with the process all of
// them end. Its methods are safe for concurrent use.
type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	open  []session // the oldest first
	codes []session
}

// session is a session, or a code for one, with the hash of its secret.
type session struct {
	id          string
	secret      [sha256.Size]byte
	made, until time.Time
	// ends is done when the session is over. What it has under way ends then.
	ends context.Context
	end  context.CancelFunc
}

func newSessions() *sessions { return &sessions{now: time.Now} }

// start makes a session. It returns the secret that the browser shows.
func (s *sessions) start() (session, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(&s.open, "lfs_", sessionTime)
}

// code makes a code, for which exchange starts a session once.
func (s *sessions) code() (session, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(&s.codes, "", codeTime)
}

func (s *sessions) add(to *[]session, prefix string, lasts time.Duration) (session, string) {
	s.expire()
	secret := prefix + rand.Text()
	id := make([]byte, 8)
	_, _ = rand.Read(id) // which never fails
	now := s.now()
	made := session{id: hex.EncodeToString(id), secret: sha256.Sum256([]byte(secret)), made: now, until: now.Add(lasts)}
	made.ends, made.end = context.WithDeadline(context.Background(), made.until)
	if *to = append(*to, made); len(*to) > maxSessions {
		(*to)[0].end()
		*to = slices.Delete(*to, 0, 1)
	}
	return made, secret
}

func (s *sessions) expire() {
	now := s.now()
	over := func(one session) bool {
		if now.Before(one.until) {
			return false
		}
		one.end()
		return true
	}
	s.open, s.codes = slices.DeleteFunc(s.open, over), slices.DeleteFunc(s.codes, over)
}

// exchange starts a session for a code, which is used up.
func (s *sessions) exchange(code string) (made session, secret string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	i := indexSecret(s.codes, code)
	if i < 0 {
		return made, "", false
	}
	s.codes[i].end()
	s.codes = slices.Delete(s.codes, i, i+1)
	made, secret = s.add(&s.open, "lfs_", sessionTime)
	return made, secret, true
}

// indexSecret looks a secret up by its hash, so that the time it takes tells nothing of it.
func indexSecret(list []session, secret string) int {
	hash := sha256.Sum256([]byte(secret))
	return slices.IndexFunc(list, func(one session) bool { return one.secret == hash })
}

// find returns the open session that a token is.
func (s *sessions) find(token string) (found session, ok bool) {
	if !strings.HasPrefix(token, "lfs_") {
		return found, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	i := indexSecret(s.open, token)
	if i < 0 {
		return found, false
	}
	return s.open[i], true
}

// end ends a session, and reports whether it was open.
func (s *sessions) end(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	i := slices.IndexFunc(s.open, func(one session) bool { return one.id == id })
	if i < 0 {
		return false
	}
	s.open[i].end()
	s.open = slices.Delete(s.open, i, i+1)
	return true
}

// close ends all of them.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range slices.Concat(s.open, s.codes) {
		one.end()
	}
	s.open, s.codes = nil, nil
}

func (s *sessions) list() *api.SessionList {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	list := &api.SessionList{Sessions: []api.Session{}}
	for _, one := range s.open {
		list.Sessions = append(list.Sessions, one.shown())
	}
	return list
}

func (s session) shown() api.Session {
	return api.Session{ID: s.id, Made: api.Millis(s.made), Until: api.Millis(s.until)}
}
