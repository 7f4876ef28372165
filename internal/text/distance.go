package text

// Distance is the number of bytes that must be added, removed or replaced to make one text of
// another (Levenshtein distance).
func Distance(from, to string) int {
	row := make([]int, len(to)+1) // for a prefix of from: the distance to each prefix of to
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		diagonal := row[0]
		row[0]++
		for j := range len(to) {
			change := diagonal
			if from[i] != to[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
