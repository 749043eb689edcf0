-- Routers whose heartbeat is older than five minutes, of those that reported in
-- the last week.
SELECT router, max(time_ms) AS last_ms, toUnixTimestamp(now()) - intDiv(max(time_ms), 1000) AS silent_s
FROM heartbeat
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 604800, 3600)
GROUP BY router HAVING silent_s > 300 ORDER BY silent_s DESC;
