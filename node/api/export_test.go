package api

// Routes lists the routes, "METHOD /path".
func Routes() map[string]bool {
	list := map[string]bool{}
	for _, rt := range new(Handler).routes() {
		list[rt.method+" "+rt.path] = true
	}
	return list
}

// Timeouts and limits that a test looks at.
const MaxQueryBody, MaxSetBody = maxQueryBody, maxSetBody
