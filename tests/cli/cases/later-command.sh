# Commands of the plan that are not there say so
embscope serve demo
