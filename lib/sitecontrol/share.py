"""Shares of a power among devices, so that none keeps room that another could use.

Enters: W to share, what each device can use and its rating.  Leaves: a goal in W for each.

    share(goal, want, ratings, 3, 6000)     # rating 0: not one of them

Limit: ratings up to 1 MW together; part() works to 1/512 of the rating.
"""


def part(w, rating, ratings):
    """rating / ratings (up to 1,000,000) of w, rounded down; 0 .. rating. Does not allocate.

    All of w, within 0 .. rating, where nobody else shares it (ratings <= rating).
    """
    if rating >= ratings or w <= 0:
        return max(0, min(w, rating))
    return ((min(w, ratings) << 9) // ratings) * rating >> 9


def share(goal, want, ratings, n, left):
    """Fill goal[i] of each i < n that has a rating. Does not allocate.

    Each gets what it wants as far as all alike, by rating, can have that much; what is left goes
    to those who want more, and is room for all when nobody does.
    """
    w = 0
    for i in range(n):
        if ratings[i]:
            goal[i] = -1
            w += ratings[i]
    again = True
    while again:
        again = False
        for i in range(n):
            if goal[i] < 0 and want[i] <= part(left, ratings[i], w):
                goal[i] = want[i]
                left -= want[i]
                w -= ratings[i]
                again = True
    room = w == 0
    for i in range(n):
        if room:
            w += ratings[i]
    for i in range(n):
        if ratings[i] and (room or goal[i] < 0):
            had = max(0, goal[i])
            goal[i] = min(ratings[i], had + part(left, ratings[i], w))
            left -= goal[i] - had
            w -= ratings[i]
