package api

// Comparison tells how a proxy came to an answer: it asks several nodes and unites what they say.
// What a node answers itself has none.
type Comparison struct {
	Asked  int      `json:"asked" doc:"how many nodes answered the question"`
	Agreed []string `json:"agreed" nullable:"false" doc:"the nodes that gave this answer"`
	// Note says in words what the numbers mean, where there is no majority.
	Note    string       `json:"note,omitempty" doc:"what that is worth, where no majority agreed, in one line"`
	Differs []Difference `json:"differs,omitempty" doc:"the nodes that answered something else, also when they were asked again"`
	// Alone are versions of which too few nodes say that they are attached and visible.
	Alone []AloneVersion `json:"alone,omitempty" doc:"versions that count for nothing, since too few nodes answer with them"`
}

// Difference tells of a node that answered something else.
type Difference struct {
	Node string `json:"node" doc:"the node's address"`
	What string `json:"what" doc:"what it answered, in one line"`
	Lies bool   `json:"lies,omitempty" doc:"a signature or a hash proves that the node answered falsely"`
}

// AloneVersion is a version that too few nodes answer with.
type AloneVersion struct {
	Nodes    []string `json:"nodes" nullable:"false" doc:"the nodes that answer with it"`
	Asked    *int     `json:"asked,omitempty" doc:"which of the query's keys it is filed under, counted from 0"`
	Ordinals Uint64s  `json:"ordinals" doc:"one for each selector of the query, in its order"`
	Version
}

// What a [Comparison] notes.
const (
	NotCompared = "not compared: one node was asked"
	NoMajority  = "2 asked, no majority"
	NoneInSync  = "no node is in sync"
)
