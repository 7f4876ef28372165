package apiserver

// Limits that a test looks at.
const MaxQueryBody, MaxSetBody = maxQueryBody, maxSetBody
