-- Gaps of more than five minutes, open ones included, and what was never shipped.
SELECT router, source, started_ms, ended_ms, lost, reason
FROM gaps FINAL
WHERE ifNull(ended_ms, toInt64(toUnixTimestamp(now())) * 1000) - ifNull(started_ms, 0) > 300000
    OR source = 'export'
ORDER BY started_ms DESC LIMIT 100;
