-- include: keep
-- Say that a worker that tells of events stops, so that nobody misses it. ARGV: worker, host. Returns 1.
on('ZREM', ALERT_WORKERS, ARGV[1] .. ' ' .. ARGV[2])
return 1
