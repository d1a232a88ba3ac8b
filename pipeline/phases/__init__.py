"""The boxes of `init -> plan -> gate -> execute -> complete`, one file each."""
