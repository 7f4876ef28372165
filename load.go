package lf

// LoadOption says how many records are made.
type LoadOption interface{ load(l *loadSettings) }

type loadSettings struct {
	writing
}
