package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Pair is a colleague and an address of ours.
type Pair struct {
	// Colleague is a bare JID.
	Colleague string
	// Local is the local part of a proxy JID; "" is the gateway itself.
	Local string
}

// Subscription says how the two of a Pair stand to each other (RFC 6121 section
// 3). The bits are independent; 0 is no relation.
type Subscription uint8

const (
	// Watching: the colleague is subscribed to our address and gets its presence.
	Watching Subscription = 1 << iota
	// Watched: our address is subscribed to the colleague.
	Watched
	// Asked: our address has asked for the colleague's subscription or presence,
	// which happens once.
	Asked
)

// State is all that the store knows. The maps are never nil.
type State struct {
	// Subscriptions holds every pair whose Subscription is not 0.
	Subscriptions map[Pair]Subscription
	// Shown holds the pairs whose colleague was last told that our address is
	// available.
	Shown map[Pair]bool
	// Instances maps every proxy instance last published to the bare JID of its
	// colleague.
	Instances map[string]string
	// Fallbacks maps fallback local parts to the instance they were made from.
	Fallbacks map[string]string
	// Messages holds what was kept and not dropped, in the order of acceptance.
	Messages []Message
	// Facts holds, by kind, what else is known. Every kind has a map.
	Facts map[Kind]map[string]string
}

func newState() State {
	facts := make(map[Kind]map[string]string)
	for _, kind := range kinds() {
		facts[kind] = make(map[string]string)
	}
	return State{
		Facts:         facts,
		Subscriptions: make(map[Pair]Subscription),
		Shown:         make(map[Pair]bool),
		Instances:     make(map[string]string),
		Fallbacks:     make(map[string]string),
	}
}

// The buckets of the file.
const (
	bucketMeta          = "meta"
	bucketSubscriptions = "subscriptions"
	bucketShown         = "shown"
	bucketInstances     = "instances"
	bucketFallbacks     = "fallbacks"
	bucketOutbox        = "outbox"
)

// dataBuckets lists the buckets that State is read from.
func dataBuckets() []string {
	buckets := []string{bucketSubscriptions, bucketShown, bucketInstances, bucketFallbacks, bucketOutbox}
	for _, kind := range kinds() {
		buckets = append(buckets, string(kind))
	}
	return buckets
}

// shownValue is what a pair in the bucket of shown presence has for a value.
const shownValue = "available"

// add takes one pair of a bucket into the state.
func (s *State) add(bucket, key, value string) error {
	switch bucket {
	case bucketSubscriptions:
		pair, err := parsePair(key)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(value, 10, 8)
		if err != nil {
			return fmt.Errorf("subscription: %w", err)
		}
		s.Subscriptions[pair] = Subscription(n)
	case bucketShown:
		pair, err := parsePair(key)
		if err != nil || value != shownValue {
			return errors.New("shown presence of an unknown form")
		}
		s.Shown[pair] = true
	case bucketInstances:
		s.Instances[key] = value
	case bucketFallbacks:
		s.Fallbacks[key] = value
	case bucketOutbox:
		m, err := parseMessage(key, value)
		if err != nil {
			return err
		}
		s.Messages = append(s.Messages, m)
	default:
		s.Facts[Kind(bucket)][key] = value
	}
	return nil
}

// pairSeparator cannot occur in a JID (RFC 7622 section 3.3).
const pairSeparator = "\x00"

func (p Pair) key() string { return p.Colleague + pairSeparator + p.Local }

func parsePair(key string) (Pair, error) {
	colleague, local, ok := strings.Cut(key, pairSeparator)
	if !ok {
		return Pair{}, errors.New("a pair without a separator")
	}
	return Pair{Colleague: colleague, Local: local}, nil
}
