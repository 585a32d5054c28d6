package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
)

var (
	// ErrBehind is returned when so many changes wait for the disk that no more are
	// taken. The change is lost for the next start only.
	ErrBehind = errors.New("store: too many changes wait for the disk; see the log for why they cannot be saved")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("store: closed")
)

// maxOctets bounds keys and values: a JID has at most 3071 octets, and so has
// whatever is made from one here.
const maxOctets = 4096

// maxAvatarOctets bounds the value of an avatar: what comes in one packet of multicast
// DNS (RFC 6762 section 17), with a word about it.
const maxAvatarOctets = 9216

// Store is an open state file. Its methods may be called by any goroutine; only
// Open, Flush and Close wait for the disk.
type Store struct {
	disk   *disk
	state  State
	keeper *keeper
}

// Open opens the state file at path, or creates it and its folder (modes 0600 and
// 0700), and starts the keeper. An existing file is made private; an existing
// folder is left as it is. log hears when saving fails and when it works again;
// nil is silence.
//
// The error is ErrHeld, ErrNewer, ErrForeign or ErrDamaged, or one of the file
// system; its text names the file and what to do.
func Open(path string, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d, state, err := openDisk(path)
	if err != nil {
		return nil, err
	}
	return &Store{disk: d, state: state, keeper: startKeeper(d.commit, log)}, nil
}

// State returns what Open found. The maps are the caller's to change; the store
// does not follow later changes in them.
func (s *Store) State() State { return s.state }

// SetSubscription records how a pair stands; 0 forgets it.
func (s *Store) SetSubscription(p Pair, sub Subscription) error {
	value := ""
	if sub != 0 {
		value = strconv.Itoa(int(sub))
	}
	return s.put(bucketSubscriptions, p.key(), value)
}

// SetShown records whether a colleague was last told that our address is available.
func (s *Store) SetShown(p Pair, available bool) error {
	value := ""
	if available {
		value = shownValue
	}
	return s.put(bucketShown, p.key(), value)
}

// SetInstance records that a proxy instance was published for a colleague (a bare
// JID); "" forgets it.
func (s *Store) SetInstance(instance, colleague string) error {
	return s.put(bucketInstances, instance, colleague)
}

// SetFallback records which instance a fallback local part was made from; ""
// forgets it.
func (s *Store) SetFallback(local, instance string) error {
	return s.put(bucketFallbacks, local, instance)
}

func (s *Store) put(bucket, key, value string) error {
	return s.putWithin(maxOctets, bucket, key, value)
}

func (s *Store) putWithin(room int, bucket, key, value string) error {
	if key == "" || len(key) > maxOctets || len(value) > room {
		return fmt.Errorf("store: %s: a key of %d and a value of %d octets cannot be kept", bucket, len(key), len(value))
	}
	return s.keeper.put(change{bucket, key}, value)
}

// Flush waits until everything set before is on disk. It returns the error of the
// commit, or ctx's when that ends first.
func (s *Store) Flush(ctx context.Context) error { return s.keeper.flush(ctx) }

// Trouble returns why the last commit failed, or nil when what was set last is on
// disk or on its way. The text says what to do.
func (s *Store) Trouble() error { return s.keeper.trouble() }

// Close writes what waits, stops the keeper and closes the file. It returns the
// error of the last commit; calling it again does nothing.
func (s *Store) Close() error {
	err, first := s.keeper.close()
	if !first {
		return nil
	}
	return errors.Join(err, s.disk.close())
}
