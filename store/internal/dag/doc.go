// Package dag keeps the shape of the graph of records in memory and says, exactly, how much work is
// stacked on each. It is mathematics: it knows no database, no clock and no chance, and two graphs
// of the same records say the same.
//
// The nouns:
//
//   - The past of a record is all it links, directly or not; its past work is the work in there.
//     The weight of a record is its own work and that of all records that have it in their past.
//   - The main parent is the link with the most past work, of several such the last. Main parents
//     make a tree (under a record 0 that stands above those without parents), and from a record
//     down them goes its main chain.
//   - The mergeset of x is what x has in its past beside its main parent and that one's past. Each
//     record in it has x as an entry.
//   - A placement is a record's main parent and mergeset.
//   - The tour goes round the tree: two brackets a record, with its subtree between them.
//   - A run is a row of entries that follow each other in the tour.
//
// Why it is right. Let r be in the past of y. Go down y's main chain, y = y0, y1, …: pasts only
// shrink, and at the end r is out. So exactly one step loses it. Either r is itself the y(i+1)
// stepped to, and so above y in the tree. Or r is in the past of y(i) and neither y(i+1) nor in its
// past, and so y(i) is an entry of r. Hence:
//
//   - r is in the past of y exactly if r, or an entry of r, is y (not r itself) or above y in the
//     tree;
//   - the subtrees of r and of its entries are disjoint: were an entry x' under another entry x,
//     then r would be in the past of x, which is in the past of the main parent of x', and so not
//     merged by x';
//   - weight(r) = the work in r's subtree + the work in the subtrees of its entries;
//   - past work(x) = past work(main) + work(main) + the work in the mergeset.
//
// What it costs, for n records and a mergeset of m:
//
//   - Place: O(m) when the records are recent, which a sweep down the indices sees without the
//     tour; otherwise O(log n) for each link of those merged. It gives up at the 1,025th record.
//   - Add: O(log n), and O(log n) for each of the m, to find the entry's place among theirs.
//   - Weight: O(log n) for each run of entries; Ancestor: O(log n) in all.
//   - Choose: a walk over at most 1,024 records for each link, once more for each that is as heavy
//     as the heaviest.
//   - Load: linear. Truncate: as Add, for each record taken out.
//
// All of it is worst case, whatever the shape of the tree. Only a record with thousands of runs of
// entries costs more, and each of those runs is a record that somebody has paid.
//
// Sources: reachability by main parents, intervals and "future covering sets" is from GHOSTDAG and
// Kaspa (Sompolinsky, Wyborski, Zohar: PHANTOM GHOSTDAG, 2018), where intervals answer ancestry;
// that they give sums as well follows from the disjointness above. Sums over an Euler tour are from
// Henzinger and King (1995) and Tarjan (1997). Jumps down the main chain are Myers's skew-binary
// ones (1983).
//
// The graph, its changes and the questions to it are in dag.go. The tour, a B+-tree of brackets, is
// in tour.go and tour_change.go. Runs of entries are in entries.go, their bytes in entrylists.go,
// and very many of them in bundle.go. Mergesets are found in place.go, walk.go and sweep.go, and
// links in choose.go. All is in arenas of package mapped, on the heap or in a file (keep.go). Every
// invariant is in check_test.go.
package dag
