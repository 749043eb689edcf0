-- Mismatches of the last day by router and reason.
SELECT router, reason, count() AS mismatches, sum(packets) AS packets, uniq(src) AS hosts
FROM mismatches FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
    AND time_ms >= (toUnixTimestamp(now()) - 86400) * 1000
GROUP BY router, reason ORDER BY mismatches DESC, router LIMIT 100;
