-- Not calendar periods but intervals counted back from the newest revision.
return policy { keep.grid "1x1h(keep=all) | 24x1h | 14x1d | 8x1w" }
