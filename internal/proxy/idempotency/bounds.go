package idempotency

import (
	"container/list"
	"time"
)

// expireEvery is how often the keys of all clients are looked through.
const expireEvery = time.Minute

// add makes an entry, and room for it.
func (k *Keys) add(name string, id, body digest, at time.Time) *entry {
	c, ok := k.clients[name]
	if !ok {
		c = &client{name: name, order: list.New()}
		k.clients[name] = c
	}
	if c.order.Len() >= k.limits.PerClient {
		k.forgetOldest(c)
	}
	if len(k.entries) >= k.limits.Total {
		k.forgetOldest(k.largest())
	}
	e := &entry{client: c, key: id, body: body, at: at}
	e.place = c.order.PushBack(e)
	k.entries[id] = e
	k.clients[name] = c // it may have been empty for a moment
	return e
}

// largest returns the client that has the most keys.
func (k *Keys) largest() (most *client) {
	for _, c := range k.clients {
		if most == nil || c.order.Len() > most.order.Len() {
			most = c
		}
	}
	return most
}

// forgetOldest drops a client's oldest key that is not in use.
func (k *Keys) forgetOldest(c *client) {
	for at := c.order.Front(); at != nil; at = at.Next() {
		if e := at.Value.(*entry); e.busy == nil {
			k.forget(e)
			return
		}
	}
}

func (k *Keys) forget(e *entry) {
	if e.place == nil {
		return
	}
	e.client.order.Remove(e.place)
	e.place = nil
	delete(k.entries, e.key)
	if e.client.order.Len() == 0 {
		delete(k.clients, e.client.name)
	}
}

// isOver reports whether a key has been remembered for long enough.
func (k *Keys) isOver(e *entry) bool { return e.busy == nil && k.now().Sub(e.at) > Kept }

// expire drops the keys that are older than [Kept], from time to time.
func (k *Keys) expire() {
	if k.now().Sub(k.expired) < expireEvery {
		return
	}
	k.expired = k.now()
	oldest := k.expired.Add(-Kept)
	for _, c := range k.clients {
		for at := c.order.Front(); at != nil; {
			e := at.Value.(*entry)
			if !e.at.Before(oldest) {
				break
			}
			if at = at.Next(); e.busy == nil {
				k.forget(e)
			}
		}
	}
}
