-- Hours of the last week in which less than 99 % of the packets are in the history.
SELECT router, uplink, hour_ms, share, missing_packets, causes
FROM coverage FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 604800, 3600)
    AND hour_ms >= (toUnixTimestamp(now()) - 604800) * 1000 AND share < 0.99
ORDER BY share, router LIMIT 100;
