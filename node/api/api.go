package api

import (
	"context"
	"iter"
	"time"
	"unicode/utf8"

	"github.com/lf-store/lf/protocol"
)

// DefaultAddress is where a node serves its API over TCP unless its user says otherwise.
const DefaultAddress = "127.0.0.1:9980"

// Service is what a node offers. The node implements it, and [Client]
// implements it over HTTP, so that a program can be written against either.
//
// Errors are of type [*Error] where the caller can do something about them.
type Service interface {
	// Status tells how the node is.
	Status(ctx context.Context) (*Status, error)
	// Doctor says what works and what does not.
	Doctor(ctx context.Context) (*Checkup, error)
	// Peers lists the connected peers, in the order of their IDs.
	Peers(ctx context.Context, p Page) (*PeerList, error)
	// Connect dials a peer and returns when it is connected. The node stays connected to it until
	// [Service.Disconnect] or its end.
	Connect(ctx context.Context, r ConnectRequest) (*Peer, error)
	// Disconnect closes the connections with a peer, whose ID it takes, and no longer stays
	// connected to it. The node refuses the peer for a time (0: 10 min).
	Disconnect(ctx context.Context, peer string, refuse time.Duration) (*Disconnected, error)
	// Seeds returns the node's bootstrap sources, and which of them answer.
	Seeds(ctx context.Context) (*Seeds, error)
	// Network returns the network's file: the genesis and the seeds in use.
	Network(ctx context.Context) (*protocol.NetworkFile, error)
	// Synced compares the node's records with its peers' now. It returns when at least half of the
	// peers, and at least one, have agreed since the call and nothing that they listed is missing.
	// Otherwise it returns an error after the timeout (0: 10 s), whose Sync tells how far it came;
	// a node that is offline returns it at once.
	Synced(ctx context.Context, timeout time.Duration) (*SyncStatus, error)
	// Query answers from the attached records.
	Query(ctx context.Context, q Query) (*QueryResult, error)
	// Watch tells when answers change: first the current ones, then the changes. The sequence ends
	// with an error and never without: that of ctx, or [Unavailable] where the node closes. Nothing
	// is kept of a watcher after the loop: it goes on with the last event's cursor.
	Watch(ctx context.Context, r WatchRequest) iter.Seq2[*WatchEvent, error]
	// Record returns one record, attached or pending.
	Record(ctx context.Context, id protocol.ID) (*RecordInfo, error)
	// Records lists an owner's attached records, newest first.
	Records(ctx context.Context, q RecordsQuery) (*RecordList, error)
	// Submit takes a finished record's frame. When it returns without error, the record is durable.
	Submit(ctx context.Context, frame []byte) (*Submitted, error)
	// Owner returns the certificates that an owner has of the network's authorities.
	Owner(ctx context.Context, q OwnerQuery) (*OwnerInfo, error)
	// Links returns records that a new record should link to.
	Links(ctx context.Context, q LinksQuery) (*Links, error)
	// Set makes a record with a key that the node keeps: it seals, claims, signs, works and
	// publishes.
	Set(ctx context.Context, r SetRequest) (*Submitted, error)
	// Prepare composes a record that the caller will sign. The node remembers nothing of it.
	Prepare(ctx context.Context, r PrepareRequest) (*Prepared, error)
	// SubmitSigned works for a signed record and takes it, as Submit does. The node does not work
	// twice for the same signed record that it has attached.
	SubmitSigned(ctx context.Context, s SignedRecord) (*Submitted, error)
	// Pulse takes pulses and passes on those that are new.
	Pulse(ctx context.Context, r PulseRequest) (*Pulsed, error)
	// Work does the work of a record of which it learns only a hash. It ends with ctx.
	Work(ctx context.Context, r WorkRequest) (*WorkResult, error)
}

// Status tells how a node is.
type Status struct {
	Version   string      `json:"version" doc:"version of the software"`
	Peer      string      `json:"peer" doc:"the node's peer ID"`
	Addresses []string    `json:"addresses" doc:"multiaddrs under which the node can be dialled, peer ID included"`
	Network   NetworkInfo `json:"network"`
	Profile   string      `json:"profile" doc:"default, server or local"`
	Offline   bool        `json:"offline,omitempty"`
	Pays      bool        `json:"pays,omitempty" doc:"this API does the proofs of work of its clients (POST /v1/work), as a proxy does for phones"`
	Started   time.Time   `json:"started"`
	Sync      SyncStatus  `json:"sync"`
	Storage   Storage     `json:"storage"`
	Traffic   Traffic     `json:"traffic"`
	Trust     Trust       `json:"trust"`
	Dropped   []Drop      `json:"dropped,omitempty" doc:"what bounded queues have dropped since the start"`
	// Nodes is there where a proxy answers.
	Nodes []ProxyNode `json:"nodes,omitempty" doc:"of a proxy: the full nodes that it asks"`
}

// NetworkInfo names a network.
type NetworkInfo struct {
	ID         protocol.ID     `json:"id"`
	Parameters protocol.Params `json:"parameters"`
}

// SyncStatus answers "am I in sync?": how a node's set of attached records stands to those of its
// peers.
type SyncStatus struct {
	State string `json:"state" enum:"offline,alone,comparing,fetching,synced" doc:"offline: the node talks to nobody. alone: no peer is connected to compare with. comparing: too few peers have been compared with. fetching: records are known to be missing. synced: at least half of the peers agree, and nothing is known to be missing"`
	Since uint64 `json:"since,omitempty" doc:"since when the state is so, to about 5 s, ms since the Unix epoch"`
	// Fingerprint is that of all attached records: nodes with the same set have the same.
	Fingerprint string    `json:"fingerprint,omitempty" doc:"of the set of attached records, in hexadecimal: nodes with the same set have the same; absent while the set is still read from disk"`
	Attached    uint64    `json:"attached" doc:"records of the set"`
	Pending     uint64    `json:"pending" doc:"records that wait for an ancestor"`
	Held        uint64    `json:"held" doc:"records ahead of the clock"`
	Peers       int       `json:"peers" doc:"connected peers that speak this network's protocols"`
	Agreeing    int       `json:"agreeing" doc:"how many of them agreed at their last comparison: up to this node's clock they had the same set, or what they had more has come since"`
	Missing     int       `json:"missing" doc:"records that peers have and that are not attached here"`
	Named       int       `json:"named,omitempty" doc:"records that only pending records link to: they may be invented"`
	AheadPeers  int       `json:"aheadPeers,omitempty" doc:"peers that hold records which this node's clock does not let in yet"`
	Ahead       uint64    `json:"ahead,omitempty" doc:"how many records these hold that are left out of the comparison, the median"`
	OwnAhead    uint64    `json:"ownAhead,omitempty" doc:"attached records that this node's clock would not let in now: it was set back"`
	Fetches     int       `json:"fetches" doc:"requests under way"`
	AgreedAt    uint64    `json:"agreedAt,omitempty" doc:"the newest agreement with a peer, ms since the Unix epoch; absent: there was none yet"`
	Progress    *Progress `json:"progress,omitempty" doc:"of a backfill; absent: there is none under way"`
}

// The states of a SyncStatus.
const (
	SyncOffline   = "offline"
	SyncAlone     = "alone"
	SyncComparing = "comparing"
	SyncFetching  = "fetching"
	SyncSynced    = "synced"
)

// Progress tells how far a backfill is: the copying of many records that a node lacks.
type Progress struct {
	Done  uint64  `json:"done" doc:"records that are here"`
	Total uint64  `json:"total" doc:"records that there are, as far as peers tell"`
	Since uint64  `json:"since" doc:"when it began, ms since the Unix epoch"`
	Rate  float64 `json:"rate" doc:"records that come in a second, lately"`
}

// Traffic counts the bytes that a node has exchanged with peers since it started, as far as streams
// carry them.
type Traffic struct {
	In  uint64 `json:"in"`
	Out uint64 `json:"out"`
}

// Storage counts what a node stores. Sizes are in bytes.
type Storage struct {
	Attached uint64 `json:"attached"`
	Pending  uint64 `json:"pending"`
	Held     uint64 `json:"held" doc:"records ahead of the clock"`
	Tips     uint64 `json:"tips"`
	Bytes    uint64 `json:"bytes" doc:"size of the database file"`
	// Problem is what Doctor says of it, too.
	Problem string `json:"problem,omitempty" doc:"why the last write failed, and what to do: the disk is full, broken or read-only. Reading goes on. Absent: writing works"`
	// Database tells one database from another one in its place. A backup has the same.
	Database string `json:"database" doc:"identifies the database, not what is in it: a new one in its place has another"`
}

// Trust tells how a node ranks claims where a query does not say, and what there is on its network
// to go by.
type Trust struct {
	Policy       protocol.Policy  `json:"policy" doc:"the criteria, in the order in which they are compared"`
	Oracles      []protocol.Owner `json:"oracles" doc:"the oracles that the node's user has elected"`
	Authorities  []AuthorityInfo  `json:"authorities" doc:"the network's certificate authorities"`
	AuthRequired bool             `json:"authRequired,omitempty" doc:"only owners with a certificate may write"`
	Oracle       *OracleStatus    `json:"oracle,omitempty" doc:"there when the node is run as an oracle"`
	Warnings     []string         `json:"warnings,omitempty" doc:"what is wrong with all this and what to do, a line each"`
}

// AuthorityInfo names a certificate authority.
type AuthorityInfo struct {
	Name        string `json:"name" doc:"the certificate's subject"`
	Fingerprint string `json:"fingerprint" doc:"SHA-256 of the certificate, in hexadecimal"`
	NotBefore   uint64 `json:"notBefore" doc:"ms since the Unix epoch"`
	NotAfter    uint64 `json:"notAfter" doc:"ms since the Unix epoch"`
}

// OracleStatus tells how a node that is run as an oracle stands.
type OracleStatus struct {
	Commentaries uint64 `json:"commentaries" doc:"records of commentary published, earlier runs included"`
	Words        uint64 `json:"words" doc:"words in them: objections, and objections withdrawn"`
	Waiting      int    `json:"waiting" doc:"words that are known to wait"`
	PerHour      int    `json:"perHour" doc:"most commentaries in an hour"`
	Last         uint64 `json:"last,omitempty" doc:"when the last one was published, ms since the Unix epoch"`
	Silent       string `json:"silent,omitempty" doc:"why words wait, in one line"`
}

// Drop counts what one bounded queue has dropped.
type Drop struct {
	Queue string `json:"queue"`
	Count uint64 `json:"count"`
}

// Query asks for composite keys and the records under them. Every selector range must be met by a
// different selector of a record; unless Open is set, the record must have no further ones.
type Query struct {
	// Selectors or Keys is given.
	Selectors []SelectorRange `json:"selectors,omitempty" minItems:"1" maxItems:"15" doc:"one range of ordinals, or a single ordinal, for each selector of the composite keys to find"`
	// Keys are composite keys that are looked up at once. All their selectors are points, at most
	// [MaxKeySelectors] in all, and at most [MaxKeyNames] of these are names.
	Keys   [][]SelectorRange `json:"keys,omitempty" maxItems:"1000" doc:"composite keys to look up at once, in place of selectors. Each is a list of selectors with one ordinal. At most 4,000 selectors in all, and 64 of them by name"`
	Open   bool              `json:"open,omitempty" doc:"also records with further selectors"`
	Owners []protocol.Owner  `json:"owners,omitempty" maxItems:"64" doc:"only these owners"`
	Since  uint64            `json:"since,omitempty" doc:"timestamp in ms, included"`
	Until  uint64            `json:"until,omitempty" doc:"timestamp in ms, included; 0 is now: answers as of then"`
	Limit  int               `json:"limit,omitempty" minimum:"0" maximum:"1000" doc:"composite keys at most; 0 is 100; with keys: all"`
	// After is the Next of the page before.
	After   string `json:"after,omitempty" maxLength:"512" doc:"the member next of the page before; the query is otherwise the same"`
	History bool   `json:"history,omitempty" doc:"also the 100 newest older versions, and the 100 best claims"`
	// HistoryAfter is the HistoryNext of an answer: its next older versions are wanted.
	HistoryAfter string `json:"historyAfter,omitempty" maxLength:"512" doc:"with history, the member historyNext of an answer: its next older versions are listed. The query asks for that key alone, and is otherwise the same"`
	// Policy is by what claims are ranked; none: the node's. Newest is at the end of every policy,
	// said or not.
	Policy protocol.Policy `json:"policy,omitempty" doc:"the criteria by which claims are ranked, in order; absent: the node's"`
	// Oracles are the oracles whose objections count; nil: those that the node's user has elected.
	// An empty list, which is not nil, is none.
	Oracles []protocol.Owner `json:"oracles,omitzero" maxItems:"64" doc:"whose objections count; absent: those elected by the node's user, []: nobody's"`
	// Authorities are CAs that the asker trusts in addition to the network's.
	Authorities [][]byte `json:"authorities,omitempty" maxItems:"16" doc:"certificates (X.509, DER, base64) of CAs to trust in addition to the network's, at most 2,048 bytes each"`
	Explain     bool     `json:"explain,omitempty" doc:"also why the winner won: what each criterion says of each claim"`
	// Alive is the greatest age of the newest pulse of an answer's claim, in seconds; 0: any, and
	// none. It is looked at after the claims are ranked: where the best one is not alive, there is
	// no answer under its key, never another owner's.
	Alive uint64 `json:"alive,omitempty" maximum:"86400" doc:"only answers with a pulse at most this old, in s. The claims are ranked first: where the best one is not alive, there is no answer under its key. At least two beats and the drift: 240 with a drift of two minutes"`
	// Decrypt asks the node to open the values: with the names given in Selectors, or with
	// MaskingKey.
	Decrypt    bool   `json:"decrypt,omitempty" doc:"open values with the names given, or with the masking key"`
	MaskingKey string `json:"maskingKey,omitempty" maxLength:"1024" doc:"what the values were sealed with, if not with the primary name"`
	// Frames asks for what a client needs to verify the answers.
	Frames bool `json:"frames,omitempty" doc:"also each record's frame (header and sealed value), its weight and index, and the composite key's ID: what a client verifies answers with"`
}

// QueryResult lists composite keys in the order of their ordinals.
type QueryResult struct {
	Answers []Answer `json:"answers"`
	// Next is what the next page is asked for with; "" where this is the last one.
	Next string `json:"next,omitempty" doc:"the limit cut the list: ask again with this as after for the next page"`
	// Lapsed is how many composite keys of this page have no answer because the best claim is not
	// alive.
	Lapsed  int              `json:"lapsed,omitempty" doc:"with alive: how many answers were left out of this page because they are not alive"`
	Policy  protocol.Policy  `json:"policy" doc:"by what claims were ranked"`
	Oracles []protocol.Owner `json:"oracles,omitempty" doc:"whose objections counted"`
	// Comparison is there where a proxy answers.
	Comparison *Comparison `json:"comparison,omitempty" doc:"of a proxy: which nodes agreed"`
}

// Answer is what is known under one composite key: the winning claim's newest version and, with
// history, the others after it.
type Answer struct {
	// Asked is there where the query has Keys: which of them this is, counted from 0.
	Asked *int `json:"asked,omitempty" doc:"which of the query's keys this answers, counted from 0"`
	// Ordinals has one ordinal for each selector of the query, in the query's order.
	Ordinals Uint64s `json:"ordinals" doc:"one for each selector of the query, in its order"`
	Version
	// Alive is nil where no pulse of the last day is known, and of a tombstone.
	Alive   *Alive    `json:"alive,omitempty" doc:"the newest pulse of this claim; absent: the node knows of none in the last day"`
	Claims  int       `json:"claims" doc:"how many owners claim the key, also those that are not listed"`
	History []Version `json:"history,omitempty" doc:"the winner's older versions, newest first, at most 100"`
	// HistoryNext is what the next older versions are asked for with; "": there are none.
	HistoryNext string    `json:"historyNext,omitempty" doc:"there are more: ask again with this as historyAfter"`
	Others      []Version `json:"others,omitempty" doc:"other owners' claims, best first; at most 100 claims are listed, claims counts all"`
	// Explanation is there when the query asked for it.
	Explanation *Explanation `json:"explanation,omitempty"`
	// Composite is there when the query asked for frames.
	Composite *protocol.CompositeID `json:"composite,omitempty" doc:"the composite key's ID, with frames"`
}

// Version is a record in an answer. Unless the query asked for frames, it has what the node says
// of the record, and nothing to verify that with.
type Version struct {
	Record protocol.ID    `json:"record" doc:"the record's CID"`
	Owner  protocol.Owner `json:"owner"`
	Time   uint64         `json:"time" doc:"when the owner made the record, ms since the Unix epoch"`
	// Text or Value is there when the node was asked to decrypt and could: Text where the value is
	// valid UTF-8. [Version.Plain] is either.
	Text    *string `json:"text,omitempty" doc:"the value, if it is valid UTF-8"`
	Value   []byte  `json:"value,omitempty" doc:"the value, base64, if it is not"`
	Sealed  bool    `json:"sealed,omitempty" doc:"the value could not be opened"`
	Deleted bool    `json:"deleted,omitempty" doc:"the record is a tombstone"`
	// Error is there where the record, or one that the answer rests on, is damaged.
	Error       string `json:"error,omitempty" enum:"damaged" doc:"damaged: the node's disk damaged this record, or one that the answer rests on. record says which. The rest holds as far as the header is sound. The node never answers with the next version or claim instead"`
	Unavailable bool   `json:"unavailable,omitempty" doc:"of a damaged record: no peer has it; otherwise it is being fetched from one"`
	// The rest is there when the query asked for frames. Frame is what counts: a client checks it
	// and reads the record out of it.
	Frame  []byte `json:"frame,omitempty" doc:"header and sealed value as they travel, base64; of a damaged record the header alone, or nothing"`
	Weight Uint64 `json:"weight,omitempty" doc:"work stacked on the record: its own and that of all its descendants"`
	Index  Uint64 `json:"index,omitempty" doc:"local index"`
}

// SetPlain fills in a value that could be opened.
func (v *Version) SetPlain(plain []byte) {
	v.Text, v.Value = nil, plain
	if utf8.Valid(plain) {
		text := string(plain)
		v.Text, v.Value = &text, nil
	}
}

// Plain returns the value that the node opened, nil if there is none.
func (v *Version) Plain() []byte {
	if v.Text != nil {
		return append([]byte{}, *v.Text...)
	}
	return v.Value
}

// Explanation tells why the winning claim won.
type Explanation struct {
	Policy protocol.Policy `json:"policy" doc:"the criteria, in the order in which they were compared"`
	// Decided is what told the winner from the next best claim; "" where there is only one.
	Decided protocol.Criterion `json:"decided,omitempty" doc:"the criterion that told the winner from the next best claim; absent where there is none"`
	Claims  []ClaimInfo        `json:"claims" doc:"best first; at most 100, the member claims of the answer counts all"`
	// Reason is Why, with owners as peer IDs.
	Reason string `json:"reason,omitempty" doc:"in one sentence: why the winner won"`
}

// ClaimInfo is one owner's claim as the criteria see it.
type ClaimInfo struct {
	Owner   protocol.Owner `json:"owner"`
	Record  protocol.ID    `json:"record" doc:"the claim's newest version, which is its answer"`
	Deleted bool           `json:"deleted,omitempty" doc:"that record is a tombstone"`
	protocol.Standing
	Authority string             `json:"authority,omitempty" doc:"whose certificate"`
	Seen      uint64             `json:"seen" doc:"when this node first saw the claim, ms since the Unix epoch"`
	LostBy    protocol.Criterion `json:"lostBy,omitempty" doc:"the criterion that decided against this claim; absent for the winner"`
	// The rest names the records that prove what oracles and certificates say of the claim.
	Words       []SaidWord           `json:"words,omitempty" doc:"what each elected oracle said last of this claim, if it said anything"`
	Certificate protocol.ID          `json:"certificate,omitzero" doc:"the record of a certificate that makes the owner certified"`
	Revoked     []RevokedCertificate `json:"revoked,omitempty" doc:"if the owner is not certified: certificates that were valid then, and were revoked; at most 16"`
}

// SaidWord is an oracle's latest word about a claim.
type SaidWord struct {
	Oracle  protocol.Owner `json:"oracle"`
	Record  protocol.ID    `json:"record" doc:"the oracle's commentary that says so"`
	Objects bool           `json:"objects" doc:"it objects to the claim; otherwise it does not, or no longer does"`
}

// RevokedCertificate is a certificate that was revoked.
type RevokedCertificate struct {
	Certificate protocol.ID `json:"certificate" doc:"the certificate's record"`
	Revocation  protocol.ID `json:"revocation" doc:"the record of a revocation that takes the certificate from this claim"`
}

// RecordInfo is a record as JSON. Frame is what counts: a client checks it and reads the rest out
// of it.
type RecordInfo struct {
	ID        protocol.ID    `json:"id"`
	Type      string         `json:"type"`
	Owner     protocol.Owner `json:"owner"`
	Timestamp uint64         `json:"timestamp" doc:"ms since the Unix epoch"`
	Links     []protocol.ID  `json:"links,omitempty"`
	Selectors []SelectorInfo `json:"selectors,omitempty"`
	Effort    uint32         `json:"effort"`
	Weight    Uint64         `json:"weight,omitempty" doc:"work stacked on the record: its own and that of all its descendants; 0 while pending or held"`
	Hidden    bool           `json:"hidden,omitempty" doc:"it rests on a certificate that was revoked: no query considers it"`
	Index     Uint64         `json:"index,omitempty" doc:"local index; absent while pending or held"`
	State     string         `json:"state" enum:"attached,pending,held"`
	Frame     []byte         `json:"frame,omitempty" doc:"header and sealed value as they travel, base64"`
	// Comparison is there where a proxy answers.
	Comparison *Comparison `json:"comparison,omitempty" doc:"of a proxy: which nodes agreed"`
}

// ErrorDamaged is the Error of a damaged Version.
const ErrorDamaged = "damaged"

// SelectorInfo is a record's selector without its claim.
type SelectorInfo struct {
	Key     protocol.SelectorKey `json:"key"`
	Ordinal Uint64               `json:"ordinal"`
}

// What has become of a record that a node has.
const (
	StateAttached = "attached" // all its ancestors are here, and it is answered
	StatePending  = "pending"  // an ancestor is missing
	StateHeld     = "held"     // its timestamp is ahead of the clock
)

// Submitted tells what became of a record. State is attached, pending or held; Known is set when
// the node had it.
type Submitted struct {
	ID         protocol.ID    `json:"id"`
	Owner      protocol.Owner `json:"owner"`
	Timestamp  uint64         `json:"timestamp" doc:"ms since the Unix epoch"`
	State      string         `json:"state" enum:"attached,pending,held"`
	Known      bool           `json:"known,omitempty" doc:"the node had the record already"`
	Superseded bool           `json:"superseded,omitempty" doc:"the owner has written a newer record under the same key, so that this one is not the answer"`
	Index      Uint64         `json:"index,omitempty" doc:"local index; absent while pending or held"`
}

// LinksQuery asks what a new record should link to.
type LinksQuery struct {
	Count int // how many links; 0: the network's minimum
	// Owner is who will sign the record. If that one has a usable certificate, its record is among
	// the links.
	Owner *protocol.Owner
	// Selectors are those of the record. With them the answer tells when the owner's newest record
	// under the same key was made.
	Selectors []protocol.SelectorPoint
}

// Links is what a new record should link to. Timestamp is the least one, in ms, that the record may
// carry; Now is the node's clock.
type Links struct {
	Links     []protocol.ID `json:"links"`
	Timestamp uint64        `json:"timestamp" doc:"the least timestamp, in ms, that a record with these links may carry"`
	Now       uint64        `json:"now" doc:"the node's clock, in ms"`
	Certified bool          `json:"certified,omitempty" doc:"the owner's certificate is among the links: its record may carry the lower work"`
	// Newest is nil where the selectors were not given, and where the node does not tell. A node
	// does not where that record is damaged.
	Newest *uint64 `json:"newest,omitempty" doc:"when the owner's newest record under the selectors was made, in ms; 0: there is none; absent: they were not given, or it is not known"`
}

// SetRequest asks the node to make a record. Selectors are given by name, with one ordinal each.
type SetRequest struct {
	Selectors []SelectorRange `json:"selectors" minItems:"1" maxItems:"15" doc:"by name, with one ordinal each; the first one is the primary"`
	// Text and Value are two ways to give the value; without either, Type must be delete or
	// release.
	Text       *string `json:"text,omitempty" doc:"the value, if it is text"`
	Value      []byte  `json:"value,omitempty" doc:"the value, base64, if it is not"`
	Type       string  `json:"type,omitempty" enum:"set,delete,release" default:"set" doc:"set a value; delete: answer that it is deleted; release: give the claim up"`
	Owner      string  `json:"owner,omitempty" doc:"name or peer ID of a key in the node's home; default: its default owner"`
	MaskingKey string  `json:"maskingKey,omitempty" maxLength:"1024" doc:"seal the value with this, so that knowing the primary name is not enough to read it"`
}

// SubmitRequest is the body of POST /v1/records in JSON. It has a finished record's frame, or the
// parts of a signed record that the node is to work for.
type SubmitRequest struct {
	Frame     []byte `json:"frame,omitempty" doc:"header and sealed value as they travel, base64: a finished record"`
	Header    []byte `json:"header,omitempty" doc:"in place of frame: the header as /v1/prepare gave it, base64"`
	Value     []byte `json:"value,omitempty" doc:"with header: the sealed value as /v1/prepare gave it, base64"`
	Signature []byte `json:"signature,omitempty" doc:"with header: the owner's signature of what /v1/prepare gave to sign, 64 bytes, base64"`
	Turn      string `json:"turn,omitempty" maxLength:"64" doc:"with header: a turn that /v1/work gave, so that the record does not wait"`
}

// Signed returns the parts of a signed record, nil where the request has a frame.
func (r *SubmitRequest) Signed() (*SignedRecord, error) {
	parts := r.Header != nil || r.Value != nil || r.Signature != nil || r.Turn != ""
	switch {
	case parts && r.Frame != nil:
		return nil, Invalid("both frame and parts of a record are given: give one of them")
	case !parts:
		return nil, nil
	}
	s := &SignedRecord{Header: r.Header, Value: r.Value, Signature: r.Signature, Turn: r.Turn}
	return s, s.Check()
}
