package store

import (
	"time"

	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store/internal/runs"
)

// Limits bounds a queue. A zero field stands for the default.
type Limits struct {
	Records uint64
	Bytes   uint64 // headers and values
}

func (l Limits) or(d Limits) Limits {
	if l.Records == 0 {
		l.Records = d.Records
	}
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	return l
}

// Every bound of the package, each with its derivation.
const (
	// A busy network has 1,000 records a second. A node that lags a minute after its gossip still
	// keeps all that it hears. At the usual 400 to 500 bytes a record that is 32 MiB, and twice as
	// much leaves room for larger values.
	defaultPendingRecords = 60_000
	defaultPendingBytes   = 64 << 20

	// Held records are up to 24 h ahead of the clock: either somebody's clock is wrong or it is
	// mischief. Room for a record every 20 seconds of a day.
	defaultHeldRecords = 4_096
	defaultHeldBytes   = 4 << 20

	// waitingRow and waitingLink are what a record that waits takes on the disk, apart from header
	// and value. The row has its ID twice, and a share of half-full pages. The row in waits has the
	// ID of each link that it waits for; in memory such a link takes as much (waitIndex).
	// BenchmarkPending measures it.
	waitingRow, waitingLink = 160, 42

	// A batch takes what has queued up while the last one was committing. A page that it changes
	// is written once, whatever the number of its rows there. A batch of four thousand records
	// writes a third as much for each as one of a thousand. At 15 µs a record, 4,096 take 60 ms:
	// a peer's record may wait so long. Own users' do not (yieldSteps).
	batchRecords = 4096
	batchTime    = 60 * time.Millisecond
	// batchBytes is where many records that are put together are also parted. So large values do
	// not make one transaction outgrow the writer's page cache.
	batchBytes = 4 << 20
	// yieldSteps is how many steps for peers a transaction runs when the node's own users wait: at
	// most about 10 ms.
	yieldSteps = 16
	// settleSteps is how many links of pending records one transaction looks at when what they wait
	// for has come. At about 20 µs each that is twice as long as a batch may take. The rest is for
	// the next one, and other changes come between.
	settleSteps = 2048
	// releaseRecords is how many held records one transaction puts whose time has come.
	releaseRecords = 64
	// With less room than crampedSpace on the disk, a small write that fits says nothing of others.
	crampedSpace = 1 << 20
	// thawEvery is how often a store that was opened to read looks whether it can write now, and
	// probeSize what it writes to find out: as much as SQLite needs to open.
	thawEvery = 2 * time.Second
	probeSize = 64 << 10
	// pulseStep is how many pulses one step of a change writes, at 4 µs each. What this node's own
	// users write waits for at most yieldSteps steps.
	pulseStep = 128
	// pulsesAtOnce is how many pulses one transaction reads at a start. A longer one would keep the
	// write-ahead log from being emptied.
	pulsesAtOnce = 256
	// queueLength lets the next batch gather while this one commits.
	queueLength = 1024

	// waitPeak is how many records were pending at least when the memory of waitIndex is given
	// back.
	waitPeak = 1024

	// backlogRows is how many rows wait to be inserted together: those of some hundred records.
	// More save nothing.
	bufferedRows = 1024

	// recentParents is how many of the latest attached records' places the writer remembers, at
	// about 150 bytes each: new records link to recent ones.
	recentParents = 8192

	// referenceBits is the binary logarithm of how many IDs and words a connection remembers, at
	// 88 bytes together: records are unpacked with those of others.
	referenceBits = 10

	// cachedRecords is how many records that were read lately are kept decoded, and of how many
	// composite keys the versions. maxCachedSize is what such a record has on the wire at most. A
	// typical one takes 1.1 kB of memory: 26 MiB. The versions of a key take 0.1.
	cachedRecords, maxCachedSize = 3 << 13, 1 << 10
	// cachedSpans is of how many short ranges of ordinals it is remembered which there are, at 0.2
	// kB each.
	cachedSpans = 1 << 12

	// packedRoom is enough for the packed header of a typical record, its place in the graph, and
	// its ID with what the checksum is of.
	packedRoom = 288

	// maxSettled is how many records whose IDs are damaged may lead to one another when one of them
	// is read: a block of the graph has about 80.
	maxSettled = 128

	// defaultReaders is enough for two cores to work and two queries to wait for the disk.
	defaultReaders = 4
	// Page caches, in KiB; a reader's fills only when it is used. The writer appends to all tables
	// that grow. Chunks of indices and records that were read lately are remembered apart from
	// these. With larger caches a query took no less time at a million records.
	writerCache = 16 << 10
	readerCache = 4 << 10
	// walPages is the size at which the log is copied into the database, in pages of 4 KiB: 64 MiB.
	// The more batches change a page in the meantime, the fewer bytes are written twice. To read
	// such a log after a crash takes some tenths of a second.
	walPages = 16384
	// busyMillis is how long to wait for another process (a check, a backup) that has the file
	// locked.
	busyMillis = 5000

	// defaultLimit is how many composite keys a query without a limit gets.
	defaultLimit = 100
	// scanBudget is how many index rows and records one query may look at: at about 1 µs a row a
	// quarter of a second.
	scanBudget = 250_000
	// maxWritten and maxWrittenBytes bound a page of an owner's records. The last record may exceed
	// the bytes.
	maxWritten      = 1000
	maxWrittenBytes = 4 << 20
	// missingVisits and missingFound bound the walk through the ancestors of a known pending
	// record, at 50 µs a visit. Ancestors that it leaves out are still in Missing's list.
	missingVisits = 64
	missingFound  = 256

	// recentTips is how many tips links are drawn from: those with the greatest past. It is several
	// times what one second of a busy network leaves open, and few enough to read each time.
	recentTips = 64
	// The distance of a tip from the heaviest one is counted in records of that one's main chain.
	// Up to freshSteps a tip is fresh. Up to evenSteps it is preferred; further back, each step
	// halves its chance. Fifty writers in one round of gossip are up to six steps apart; with less
	// room some of theirs are passed over for many rounds. Whoever floods the network with tips
	// that are further back gains little by their number.
	freshSteps, evenSteps = 16, 6
	// One record in lateShare links a tip that fell back. So none is passed over for long, and long
	// branches are merged even on a busy network.
	lateShare = 4
	// recentRecords is how many of the latest attached records are looked through where there are
	// too few tips.
	recentRecords = 256

	// scanChunk is how many records a scan reads at a time: about 10 ms, in which the log cannot be
	// emptied, and 160 KiB.
	scanChunk = 4096
	// attachedChunk is how many whole records are read at a time: a few milliseconds, and 16 MiB at
	// most.
	attachedChunk = 256

	// datastorePage is how many entries a datastore query reads at a time, so that it holds no
	// reader while its consumer works.
	datastorePage = 256

	// maxDamaged is how many damaged records are known at a time: more are found when some of these
	// are repaired.
	maxDamaged = 4096
	// scrubChunk rows every scrubEvery are 256 a second, 1 to 2 % of a core: a million records in
	// some hours. Its place is saved every scrubSaves steps, once a minute, so that the disk may
	// sleep.
	scrubChunk    = 64
	scrubEvery    = 250 * time.Millisecond
	scrubSaves    = 240
	scrubSaveTime = 2 * time.Second
	scrubRetry    = time.Minute
	// maxDamageProblems is how many kinds of damage that cannot be repaired are told.
	maxDamageProblems = 16

	// migrationStep is how many records a migration reads at a time, and progressEvery how often it
	// says how far it is.
	migrationStep = 1000
	progressEvery = 5 * time.Second

	// checkedByHand is the greatest number of records whose graph Check adds up by hand too, at a
	// cost by their square: 20 ms.
	checkedByHand = 2000

	// reputationsChecked is how many versions Check looks at to work out the reputations of tips:
	// 10 s. Where more tips are data under keys that many share, the rest is taken as it is.
	reputationsChecked = 10_000_000

	// maxProblems is how many problems Check reports one by one; it counts them all.
	maxProblems = 1000
)

// fileTuning is when derived data are in files: from how many records on, and how many may come
// between two checkpoints. Memory is how much of the process's own memory one may hold between
// them. Tests make all small.
type fileTuning struct {
	least, every int
	memory       int64
}

// A graph of 16,384 records takes 1.1 MB and is made in 30 ms: that is not worth a file. A
// checkpoint writes 10 to 20 MB after 65,536 records, and a start adds that many in 200 ms.
//
// Records that merge old ones, or whose timestamps are old, change a page each or several: then a
// checkpoint comes sooner.
var defaultFiles = fileTuning{least: 1 << 14, every: 1 << 16, memory: 32 << 20}

// tuning is when a query changes its way. It changes no answer; tests make it small to go all ways
// on little data.
type tuning struct {
	// selective is how few rows of a span are walked and sorted, rather than walking another span
	// in order. It is also how many rows are walked in order before that is reconsidered. That is
	// more than a usual limit, and counted in about 20 µs.
	selective int
	// seekAfter is how many rows of no use are stepped over before a seek is cheaper.
	seekAfter int
	// rootsCompared is how many roots of a claim a new version is compared with: a few µs. Who
	// makes more, by versions that do not build on each other, pays a record for each.
	rootsCompared int
	// rootsRead is how many roots of a claim a query reads before it looks for those that can be
	// the heaviest.
	rootsRead int
	// versionsParted is how many versions after a late release are looked at to find its roots: a
	// few ms at worst.
	versionsParted int
	// crowd is how many claims on one key are looked up one by one.
	manyClaims int
	// crowded is how many claims make a key crowded: ranking fewer is as cheap as keeping rows of
	// them.
	crowded int
	// rankPortion is how many rows of claims one transaction works out in the background: 3 to 10
	// ms. A key that has just become crowded is done in one.
	rankPortion int
	// runs is how the indices that are kept in runs are divided.
	runs runs.Tuning
}

var defaultTuning = tuning{selective: 256, seekAfter: 16, rootsCompared: 64, rootsRead: 64, versionsParted: 256, manyClaims: 32, crowded: 64, rankPortion: 128,
	runs: runs.DefaultTuning}

// Bounds of what claims are ranked by.
const (
	// maxListed is how many claims of a composite key, or certificates of an owner, are listed:
	// what somebody can look through. All are ranked and counted.
	maxListed = 100
	// maxOracles and maxAuthorities are how many oracles and authorities a query may name.
	maxOracles     = 64
	maxAuthorities = protocol.MaxAuthorities
	// maxWords is how many of its own words an oracle gets to see on one composite key.
	maxWords = 10_000
	// verifyCost is what the signatures of a chain, three at most, cost a query's budget, in rows:
	// 60 µs each.
	verifyCost = 180

	// rowBudget is how many rows and records the writer looks at to work out one row of claims.
	// Beyond that it is left open: the lead, or when the claim was seen first.
	rowBudget = 4096
	// versionsRead is how many versions of an owner are read to find out whether they count. Of
	// more that is not known, and each is read by the queries that look at it.
	versionsRead = 32
	// rankedClaims is how many claims can all be ranked within the budget of a query.
	rankedClaims = 100_000
	// firstsEnumerated is how many claims are looked at to find those that were first: about 1 ms.
	firstsEnumerated = 256
	// staleRows is how many claims of a rank a query may measure in vain before their leads are
	// lowered in the background.
	staleRows = 16
	// maxRootsChunk is how many roots a search reads at once: they take 6 KB.
	maxRootsChunk = 256
	// maxStale is how many ranks wait for that.
	maxStale = 1024
	// maxRankPause is the longest pause after such a transaction.
	maxRankPause = 100 * time.Millisecond

	// maxCollided is how many claims of a composite key an oracle gets to see. With all that the
	// criteria say of each, that takes a few tenths of a second. Squatters beyond those are seen
	// when some of these are gone.
	maxCollided = 4096
	// collisionsWalked is how many records one call looks through for collisions: a few ms.
	collisionsWalked = 1024
	// ancestorsChecked is how many questions to the graph a check of roots may take: some seconds.
	ancestorsChecked = 10_000_000
	// revocationsCompared is how many revocations of a certificate a new one is compared with, to
	// keep none that changes nothing.
	revocationsCompared = 16
)
