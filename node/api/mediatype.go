package api

// Media types of requests and answers.
const (
	TypeJSON    = "application/json"
	TypeProblem = "application/problem+json"      // an [Error]
	TypeFrame   = "application/cbor"              // a record's header and sealed value
	TypeHeader  = "application/vnd.ipld.dag-cbor" // a record's header alone, the block of its CID
)
