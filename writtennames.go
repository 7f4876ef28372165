package lf

import "github.com/lf-store/lf/node/home"

// WithoutNames keeps the names that are written out of the home's list of names.
func WithoutNames() OpenOption { return func(o *clientOptions) { o.unnoted = true } }

// OnNotNoted is called when a name could not be noted in the home's list. The value is written all
// the same.
func OnNotNoted(tell func(error)) BulkOption {
	return writeOption(func(w *writing) { w.notNoted = tell })
}

// noteName notes a key in the home's list of names, where [home.Names] is not switched off. What is
// sealed with a masking key is to be known to nobody else, so its names are never noted.
func (a *author) noteName(key Key) {
	if a.home == nil || a.options.unnoted || a.maskingKey != "" || len(key.selectors) == 0 {
		return
	}
	err := a.home.Names().Add(home.WrittenName{Network: a.network.ID(), Owner: a.owner, Key: key.Expressions(), At: clock()})
	if err != nil && a.notNoted != nil {
		a.notNoted(err)
	}
}
